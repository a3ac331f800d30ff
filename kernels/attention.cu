// Softmax attention over a paged cache for a ragged batch, streaming (Milakov and Gimelshein 2018; Dao et al. 2022): a block holds a tile
// of lanes (attention_tile.h) and passes over the keys once, with a running maximum and sum, in float32. 256 threads as 16 x 16: 16 groups
// of lanes, and 16 columns of keys or of elements of a head. With a cache of bfloat16 it serves heads that attention_mma.cu has no form for.
#include "tap_lanes.h"

// Copies keys or values [start, start + Keys) below end to room [Keys][Stride]; zeros beyond.
template <int Keys, int Stride, typename T>
__device__ __forceinline__ void load_keys(const KvView<T>& kv, const T* from, const int* pages, int kvHead, int start, int end, float* room)
{
    for (int k = threadIdx.x / kSide; k < Keys; k += kSide)
    {
        bool there = start + k < end;
        const T* source = from + (there ? kv_offset(kv, pages, start + k, kvHead) : 0);
        for (int d = threadIdx.x % kSide; d < kv.headDim; d += kSide)
        {
            room[k * Stride + d] = there ? widen(source[d]) : 0.f;
        }
    }
}

// One tile of lanes; taps: null, or what is wanted of it and the block's room.
template <int HeadDim, int Lanes, int Keys, bool Tapped, typename T>
__device__ __forceinline__ void attention(const AttentionArguments<T>& a, const LaneTile& tile, const TapTile* taps, float* room)
{
    constexpr int Stride = HeadDim + 1;
    constexpr int LanesEach = Lanes / kSide, KeysEach = Keys / kSide, ElementsEach = HeadDim / kSide;
    __shared__ float queries[Lanes * Stride];
    __shared__ float tokens[Keys * Stride]; // keys, then values
    __shared__ float weights[Lanes * (Keys + 1)];

    const KvView<T>& kv = a.kv;
    int ty = threadIdx.x / kSide, tx = threadIdx.x % kSide;

    for (int l = ty; l < Lanes; l += kSide)
    {
        const float* source = a.query + (l < tile.lanes ? tile.place(l) : 0) * kv.headDim;
        for (int d = tx; d < kv.headDim; d += kSide)
        {
            queries[l * Stride + d] = l < tile.lanes ? source[d] * kv.scale : 0.f;
        }
    }
    float maximum[LanesEach], sum[LanesEach], result[LanesEach][ElementsEach];
    int firstKey[LanesEach], endKey[LanesEach];
#pragma unroll
    for (int i = 0; i < LanesEach; i++)
    {
        int lane = ty + i * kSide;
        firstKey[i] = first_key(kv, tile.position(lane));
        endKey[i] = lane < tile.lanes ? end_key(kv, tile.position(lane), tile.length) : 0;
        maximum[i] = -kInfinity;
        sum[i] = 0;
#pragma unroll
        for (int j = 0; j < ElementsEach; j++)
        {
            result[i][j] = 0;
        }
    }
    int first = first_key(kv, tile.position(0));
    int end = end_key(kv, tile.position(tile.lanes - 1), tile.length);
    // This block's share of the keys, in whole tiles of them.
    int share = ((end - first + Keys - 1) / Keys + (int)gridDim.z - 1) / (int)gridDim.z * Keys;
    first += share * (int)blockIdx.z;
    end = end - first < share ? end : first + share;
    auto tap = tap_where<Tapped, LaneTaps<Lanes>>(taps, room, first);
    for (int key = first; key < end; key += Keys)
    {
        load_keys<Keys, Stride>(kv, kv.keys, tile.pages, tile.kvHead, key, end, tokens);
        __syncthreads();
        float scores[LanesEach][KeysEach] = {};
        for (int d = 0; d < kv.headDim; d++)
        {
#pragma unroll
            for (int i = 0; i < LanesEach; i++)
            {
#pragma unroll
                for (int j = 0; j < KeysEach; j++)
                {
                    scores[i][j] += queries[(ty + i * kSide) * Stride + d] * tokens[(tx + j * kSide) * Stride + d];
                }
            }
        }
        float factor[LanesEach];
#pragma unroll
        for (int i = 0; i < LanesEach; i++)
        {
            float largest = maximum[i];
#pragma unroll
            for (int j = 0; j < KeysEach; j++)
            {
                int k = key + tx + j * kSide;
                scores[i][j] = k >= firstKey[i] && k < endKey[i] ? scores[i][j] : -kInfinity;
                largest = scores[i][j] > largest ? scores[i][j] : largest;
            }
            largest = lanes_max(largest, kSide);
            factor[i] = maximum[i] == largest ? 1.f : exponential(maximum[i] - largest);
            maximum[i] = largest;
            sum[i] *= factor[i];
            if constexpr (Tapped)
            {
                tap.sums[i] *= factor[i];
            }
#pragma unroll
            for (int j = 0; j < KeysEach; j++)
            {
                float weight = scores[i][j] == -kInfinity ? 0.f : exponential(scores[i][j] - largest);
                sum[i] += weight;
                weights[(ty + i * kSide) * (Keys + 1) + tx + j * kSide] = weight;
                scores[i][j] = weight;
            }
        }
        if constexpr (Tapped)
        {
            tap.add(key, scores, maximum);
        }
        __syncthreads();
        if (a.output)
        {
            load_keys<Keys, Stride>(kv, kv.values, tile.pages, tile.kvHead, key, end, tokens);
            __syncthreads();
#pragma unroll
            for (int i = 0; i < LanesEach; i++)
            {
#pragma unroll
                for (int j = 0; j < ElementsEach; j++)
                {
                    result[i][j] *= factor[i];
                }
            }
            for (int k = 0; k < Keys; k++)
            {
#pragma unroll
                for (int i = 0; i < LanesEach; i++)
                {
                    float weight = weights[(ty + i * kSide) * (Keys + 1) + k];
#pragma unroll
                    for (int j = 0; j < ElementsEach; j++)
                    {
                        // Elements beyond the head are whatever was there; they are never written out.
                        result[i][j] += weight * tokens[k * Stride + tx + j * kSide];
                    }
                }
            }
            __syncthreads();
        }
    }
#pragma unroll
    for (int i = 0; i < LanesEach; i++)
    {
        float total = lanes_sum(sum[i], kSide);
        int lane = ty + i * kSide;
        if (lane >= tile.lanes)
        {
            continue;
        }
        bool split = gridDim.z > 1;
        long long place = tile.place(lane) + (split ? (long long)blockIdx.z * a.rows * a.heads : 0);
        float* results = split ? a.partResults : a.output;
        float factor = split ? 1.f : 1.f / total;
#pragma unroll
        for (int j = 0; j < ElementsEach; j++)
        {
            if (a.output && tx + j * kSide < kv.headDim)
            {
                results[place * kv.headDim + tx + j * kSide] = result[i][j] * factor;
            }
        }
        if (split && tx == 0)
        {
            a.partStats[2 * place] = maximum[i];
            a.partStats[2 * place + 1] = total;
        }
    }
    if constexpr (Tapped)
    {
        __shared__ float factors[Lanes];
        tap.finish(maximum, sum, factors);
        static_assert(32 * (Lanes + 1) <= Lanes * Stride);
        write_tap<Lanes, kSide * kSide>(
            *taps, tile, room, tap.first, tap.walk.part_behind(), factors, queries, threadIdx.x,
            [] { __syncthreads(); });
    }
}

template <int HeadDim, int Lanes, int Keys, typename T>
__device__ __forceinline__ void attention_tapped(const AttentionArguments<T>& a, const TapArguments& tap)
{
    float* room = tap.room + (long long)blockIdx.x * tap.roomParts * Lanes;
    for (TapTurns turns(tap); turns.next();)
    {
        const LaneTile tile(a, Lanes, turns.tile, turns.kvHead);
        const TapTile taps(tap, a.tiles[2 * turns.tile], turns.tile, turns.kvHead, tile.group);
        attention<HeadDim, Lanes, Keys, true>(a, tile, &taps, room);
    }
}

#define ATTENTION_OF(headDim, lanes, keys, name, T)                                                                                 \
    extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_##headDim##_##name(AttentionArguments<T> a)                \
    {                                                                                                                               \
        const LaneTile tile(a, lanes, blockIdx.x, blockIdx.y);                                                                      \
        attention<headDim, lanes, keys, false>(a, tile, nullptr, nullptr);                                                          \
    }                                                                                                                               \
    extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_tapped_##headDim##_##name(AttentionArguments<T> a, TapArguments tap) \
    {                                                                                                                               \
        attention_tapped<headDim, lanes, keys>(a, tap);                                                                             \
    }
#define ATTENTION(headDim, lanes, keys)                                                                                             \
    ATTENTION_OF(headDim, lanes, keys, f32, float)                                                                                  \
    ATTENTION_OF(headDim, lanes, keys, bf16, BFloat16)

ATTENTION(64, 64, 32)
ATTENTION(128, 32, 32)
ATTENTION(256, 16, 16)

// Puts the parts of a split attention together: results weighted by e^(maximum - largest maximum), over the sum of the weighted sums.
// The cache is not looked at. Grid (tiles, kvHeads), any number of threads.
extern "C" __global__ void attention_merge(AttentionArguments<float> a, int lanesEach, int splits)
{
    const LaneTile tile(a, lanesEach, blockIdx.x, blockIdx.y);
    int width = a.output ? a.kv.headDim : 1;
    for (int e = threadIdx.x; e < tile.lanes * width; e += blockDim.x)
    {
        long long place = tile.place(e / width), each = (long long)a.rows * a.heads;
        int d = e % width;
        float largest = -kInfinity;
        for (int s = 0; s < splits; s++)
        {
            float maximum = a.partStats[2 * (s * each + place)];
            largest = maximum > largest ? maximum : largest;
        }
        float sum = 0, result = 0;
        for (int s = 0; s < splits; s++)
        {
            const float* stats = a.partStats + 2 * (s * each + place);
            float weight = stats[0] == -kInfinity ? 0.f : exponential(stats[0] - largest);
            sum += weight * stats[1];
            result += a.output ? weight * a.partResults[(s * each + place) * width + d] : 0.f;
        }
        if (a.output)
        {
            a.output[place * width + d] = result / sum;
        }
    }
}
