// Softmax attention over a paged cache of bfloat16 on tensor cores (Dao 2023): the tiles of attention_tile.h; queries are rounded to
// bfloat16, and so are the weights e^(score - maximum) of the values; scores, maxima, sums and results are float32. Heads have a multiple
// of 8 elements; zeros fill them up to the kernel's.
// A warp holds 16 RowTiles lanes and goes over the block's keys, or where WarpsAcross > 1 (few lanes) over its share of each tile of them.
// Keys and values of a tile come by cp.async: values while scores are computed, the next keys while values are added up.
// Shared memory: (lanes + 2 * keys of a tile) rows of 2 * HeadDim + 16 bytes.
#include "attention_tile.h"
#include "tensor_cores.h"

constexpr float kLog2E = 1.44269504088896341f;

struct alignas(16) Words
{
    unsigned pairs[4];
};

template <int HeadDim, int RowTiles, int WarpsDown, int WarpsAcross, int Keys>
struct FormOf
{
    static constexpr int kThreads = 32 * WarpsDown * WarpsAcross;
    static constexpr int kLanes = 16 * RowTiles * WarpsDown;
    static constexpr int kRow = 2 * HeadDim + 16; // bytes: eight rows begin in eight different groups of banks
    static constexpr int kOwnKeys = Keys / WarpsAcross;
    static constexpr int kChunks = HeadDim / 8; // of 16 bytes in a row
};

// The queries of the tile, rounded, to room [lanes][row]; zeros beyond the lanes and the head.
template <typename Form>
__device__ __forceinline__ void load_queries(const AttentionArguments<BFloat16>& a, const LaneTile& tile, unsigned char* room)
{
    for (int e = threadIdx.x; e < Form::kLanes * Form::kChunks; e += Form::kThreads)
    {
        int l = e / Form::kChunks, chunk = e % Form::kChunks;
        bool there = l < tile.lanes && 8 * chunk < a.kv.headDim;
        const float* source = a.query + (there ? tile.place(l) * a.kv.headDim + 8 * chunk : 0);
        Words words;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            words.pairs[i] = there ? pack_bf16(source[2 * i], source[2 * i + 1]) : 0;
        }
        *reinterpret_cast<Words*>(room + l * Form::kRow + 16 * chunk) = words;
    }
}

// What a warp knows of its lanes. A thread holds halves 2 i and 2 i + 1 of row tile i: lanes 16 i + lane / 4 and 8 further.
template <int RowTiles, int Elements>
struct Running
{
    float maximum[RowTiles][2], sum[RowTiles][2], result[RowTiles][Elements / 8][4];

    __device__ __forceinline__ Running()
    {
#pragma unroll
        for (int i = 0; i < RowTiles; i++)
        {
            maximum[i][0] = maximum[i][1] = -kInfinity;
            sum[i][0] = sum[i][1] = 0;
#pragma unroll
            for (int n = 0; n < Elements / 8; n++)
            {
                result[i][n][0] = result[i][n][1] = result[i][n][2] = result[i][n][3] = 0;
            }
        }
    }
};

// scores += queries keys^T, of rows of shared memory.
template <typename Form, int RowTiles>
__device__ __forceinline__ void multiply_keys(
    const unsigned char* queries, const unsigned char* keys, float (&scores)[RowTiles][Form::kOwnKeys / 8][4])
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < Form::kChunks / 2; step++)
    {
        unsigned q[RowTiles][4];
#pragma unroll
        for (int i = 0; i < RowTiles; i++)
        {
            ldmatrix_x4(q[i], queries + (16 * i + lane % 16) * Form::kRow + 16 * (2 * step + lane / 16));
        }
#pragma unroll
        for (int n = 0; n < Form::kOwnKeys / 16; n++)
        {
            unsigned k[4];
            ldmatrix_x4(k, keys + (16 * n + lane % 8 + lane / 16 * 8) * Form::kRow + 16 * (2 * step + lane / 8 % 2));
            const unsigned low[2] = {k[0], k[1]}, high[2] = {k[2], k[3]};
#pragma unroll
            for (int i = 0; i < RowTiles; i++)
            {
                mma_bf16(scores[i][2 * n], q[i], low);
                mma_bf16(scores[i][2 * n + 1], q[i], high);
            }
        }
    }
}

// results += weights values.
template <typename Form, int RowTiles, int Elements>
__device__ __forceinline__ void multiply_values(
    const unsigned (&weights)[RowTiles][Form::kOwnKeys / 16][4], const unsigned char* values, float (&results)[RowTiles][Elements / 8][4])
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < Form::kOwnKeys / 16; step++)
    {
#pragma unroll
        for (int n = 0; n < Form::kChunks / 2; n++)
        {
            unsigned v[4];
            ldmatrix_x4_trans(v, values + (16 * step + lane % 16) * Form::kRow + 16 * (2 * n + lane / 16));
            const unsigned low[2] = {v[0], v[1]}, high[2] = {v[2], v[3]};
#pragma unroll
            for (int i = 0; i < RowTiles; i++)
            {
                mma_bf16(results[i][2 * n], weights[i][step], low);
                mma_bf16(results[i][2 * n + 1], weights[i][step], high);
            }
        }
    }
}

// Scores to weights, as fragments of the left side of a product; hides what the mask hides of keys [key, key + kOwnKeys), and lets the
// running maximum, sum and result follow. lanes: first lane of the warp.
template <typename Form, int RowTiles, int Elements>
__device__ __forceinline__ void weigh(
    const KvView<BFloat16>& kv, const LaneTile& tile, int lanes, int key, bool masked, float (&scores)[RowTiles][Form::kOwnKeys / 8][4],
    Running<RowTiles, Elements>& running, unsigned (&weights)[RowTiles][Form::kOwnKeys / 16][4])
{
    int lane = threadIdx.x % 32;
    key += 2 * (lane % 4);
#pragma unroll
    for (int i = 0; i < RowTiles; i++)
    {
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            int own = lanes + 16 * i + 8 * half + lane / 4;
            int first = 0, end = 0;
            if (masked && own < tile.lanes)
            {
                first = first_key(kv, tile.position(own));
                end = end_key(kv, tile.position(own), tile.length);
            }
            float largest = running.maximum[i][half];
#pragma unroll
            for (int n = 0; n < Form::kOwnKeys / 8; n++)
            {
#pragma unroll
                for (int c = 0; c < 2; c++)
                {
                    float& score = scores[i][n][2 * half + c];
                    int k = key + 8 * n + c;
                    score = !masked || (k >= first && k < end) ? score * kv.scale : -kInfinity;
                    largest = score > largest ? score : largest;
                }
            }
            largest = lanes_max(largest, 4);
            float offset = largest == -kInfinity ? 0.f : largest * kLog2E;
            float factor = exp2_fast(running.maximum[i][half] * kLog2E - offset);
            running.maximum[i][half] = largest;
            float sum = running.sum[i][half] * factor;
#pragma unroll
            for (int n = 0; n < Form::kOwnKeys / 8; n++)
            {
                float low = exp2_fast(scores[i][n][2 * half] * kLog2E - offset), high = exp2_fast(scores[i][n][2 * half + 1] * kLog2E - offset);
                sum += low + high;
                weights[i][n / 2][n % 2 * 2 + half] = pack_bf16(low, high);
            }
            running.sum[i][half] = sum;
#pragma unroll
            for (int n = 0; n < Elements / 8; n++)
            {
                running.result[i][n][2 * half] *= factor;
                running.result[i][n][2 * half + 1] *= factor;
            }
        }
    }
}

// Where the results of a lane go, and its statistics: to the output, or to this block's part of a split.
struct Target
{
    float* results;
    float* stats;
    bool split;
    long long offset;

    __device__ __forceinline__ explicit Target(const AttentionArguments<BFloat16>& a) : split(gridDim.z > 1)
    {
        results = a.output ? (split ? a.partResults : a.output) : nullptr;
        stats = split ? a.partStats : a.stats;
        offset = split ? (long long)blockIdx.z * a.rows * a.heads : 0;
    }

    __device__ __forceinline__ float factor(float total) const { return split ? 1.f : 1.f / total; }

    __device__ __forceinline__ void write_stats(long long place, float maximum, float total) const
    {
        if (stats)
        {
            stats[2 * (place + offset)] = maximum;
            stats[2 * (place + offset) + 1] = split ? total : 1.f / total;
        }
    }
};

// Each warp has lanes of its own.
template <int RowTiles, int Elements>
__device__ __forceinline__ void write_lanes(
    const AttentionArguments<BFloat16>& a, const LaneTile& tile, int lanes, const Running<RowTiles, Elements>& running)
{
    Target target(a);
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < RowTiles; i++)
    {
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float total = lanes_sum(running.sum[i][half], 4);
            int own = lanes + 16 * i + 8 * half + lane / 4;
            if (own >= tile.lanes)
            {
                continue;
            }
            long long place = tile.place(own);
            float factor = target.factor(total);
#pragma unroll
            for (int n = 0; n < Elements / 8; n++)
            {
                int d = 8 * n + 2 * (lane % 4);
                if (target.results && d < a.kv.headDim)
                {
                    float* to = target.results + (place + target.offset) * a.kv.headDim + d;
                    to[0] = running.result[i][n][2 * half] * factor;
                    to[1] = running.result[i][n][2 * half + 1] * factor;
                }
            }
            if (lane % 4 == 0)
            {
                target.write_stats(place, running.maximum[i][half], total);
            }
        }
    }
}

// The warps have the same 16 lanes and different keys: their results come together in room [warps][16][Elements], weighted as parts are.
template <int Warps, int Elements>
__device__ __forceinline__ void write_merged(
    const AttentionArguments<BFloat16>& a, const LaneTile& tile, const Running<1, Elements>& running, float* room)
{
    __shared__ float parts[Warps][16][2]; // maximum, sum
    Target target(a);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        float total = lanes_sum(running.sum[0][half], 4);
        int own = 8 * half + lane / 4;
        if (lane % 4 == 0)
        {
            parts[warp][own][0] = running.maximum[0][half];
            parts[warp][own][1] = total;
        }
#pragma unroll
        for (int n = 0; n < Elements / 8; n++)
        {
            float* to = room + (warp * 16 + own) * Elements + 8 * n + 2 * (lane % 4);
            to[0] = running.result[0][n][2 * half];
            to[1] = running.result[0][n][2 * half + 1];
        }
    }
    __syncthreads();
    for (int e = threadIdx.x; e < tile.lanes * Elements; e += 32 * Warps)
    {
        int own = e / Elements, d = e % Elements;
        float largest = -kInfinity, total = 0, result = 0;
#pragma unroll
        for (int w = 0; w < Warps; w++)
        {
            largest = parts[w][own][0] > largest ? parts[w][own][0] : largest;
        }
        float offset = largest == -kInfinity ? 0.f : largest * kLog2E;
#pragma unroll
        for (int w = 0; w < Warps; w++)
        {
            float weight = exp2_fast(parts[w][own][0] * kLog2E - offset);
            total += weight * parts[w][own][1];
            result += weight * room[(w * 16 + own) * Elements + d];
        }
        long long place = tile.place(own);
        if (target.results && d < a.kv.headDim)
        {
            target.results[(place + target.offset) * a.kv.headDim + d] = result * target.factor(total);
        }
        if (d == 0)
        {
            target.write_stats(place, largest, total);
        }
    }
}

template <int HeadDim, int RowTiles, int WarpsDown, int WarpsAcross, int Keys>
__device__ __forceinline__ void attention_mma(const AttentionArguments<BFloat16>& a)
{
    using Form = FormOf<HeadDim, RowTiles, WarpsDown, WarpsAcross, Keys>;
    static_assert(Keys <= Form::kThreads && (WarpsAcross == 1 || (RowTiles == 1 && WarpsDown == 1)));
    DYNAMIC_SHARED(memory);
    __shared__ long long places[2][Keys]; // where keys and values of two tiles are in the cache; -1: none
    unsigned char* queries = memory;
    unsigned char* keys = queries + Form::kLanes * Form::kRow;
    unsigned char* values = keys + Keys * Form::kRow;
    const KvView<BFloat16>& kv = a.kv;
    const LaneTile tile(a, Form::kLanes);
    int warp = threadIdx.x / 32;
    int lanes = warp / WarpsAcross * 16 * RowTiles, ownKeys = warp % WarpsAcross * Form::kOwnKeys;

    // Keys that any lane sees, and of those this block's share, in whole tiles of them.
    int first = first_key(kv, tile.position(0));
    int end = end_key(kv, tile.position(tile.lanes - 1), tile.length);
    int share = ((end - first + Keys - 1) / Keys + (int)gridDim.z - 1) / (int)gridDim.z * Keys;
    first += share * (int)blockIdx.z;
    end = end - first < share ? end : first + share;
    // Positions of the first and the last lane of this warp.
    bool idle = lanes >= tile.lanes;
    int lastLane = lanes + 16 * RowTiles < tile.lanes ? lanes + 16 * RowTiles - 1 : tile.lanes - 1;
    int low = tile.position(idle ? 0 : lanes), high = tile.position(lastLane);

    auto look_up = [&](int key, int stage)
    {
        if (threadIdx.x < Keys)
        {
            int k = key + (int)threadIdx.x;
            places[stage][threadIdx.x] = k < end ? kv_offset(kv, tile.pages, k, tile.kvHead) : -1;
        }
    };
    auto copy = [&](unsigned char* to, const BFloat16* from, int stage)
    {
        for (int e = threadIdx.x; e < Keys * Form::kChunks; e += Form::kThreads)
        {
            int k = e / Form::kChunks, chunk = e % Form::kChunks;
            long long place = places[stage][k];
            bool there = place >= 0 && 8 * chunk < kv.headDim;
            cp_async_16(to + k * Form::kRow + 16 * chunk, there ? from + place + 8 * chunk : from, there ? 16 : 0);
        }
        cp_async_commit();
    };
    load_queries<Form>(a, tile, queries);
    look_up(first, 0);
    __syncthreads();
    copy(keys, kv.keys, 0);
    Running<RowTiles, HeadDim> running;
    int stage = 0;
    for (int key = first; key < end; key += Keys, stage ^= 1)
    {
        int ownKey = key + ownKeys;
        int ownEnd = ownKey + Form::kOwnKeys;
        bool seen = !idle && ownKey < end_key(kv, high, tile.length) && ownEnd > first_key(kv, low); // by any lane
        bool masked = ownKey < first_key(kv, high) || ownEnd > end_key(kv, low, tile.length);        // not by all of them
        cp_async_wait<0>();
        __syncthreads(); // the keys are there, and nobody needs the values before
        if (a.output)
        {
            copy(values, kv.values, stage);
        }
        look_up(key + Keys, stage ^ 1);
        unsigned weights[RowTiles][Form::kOwnKeys / 16][4];
        if (seen)
        {
            float scores[RowTiles][Form::kOwnKeys / 8][4] = {};
            multiply_keys<Form>(queries + lanes * Form::kRow, keys + ownKeys * Form::kRow, scores);
            weigh<Form>(kv, tile, lanes, ownKey, masked, scores, running, weights);
        }
        cp_async_wait<0>();
        __syncthreads(); // the values are there, and nobody needs the keys
        if (key + Keys < end)
        {
            copy(keys, kv.keys, stage ^ 1);
        }
        if (seen && a.output)
        {
            multiply_values<Form, RowTiles, HeadDim>(weights, values + ownKeys * Form::kRow, running.result);
        }
    }
    if constexpr (WarpsAcross == 1)
    {
        write_lanes(a, tile, lanes, running);
    }
    else
    {
        cp_async_wait<0>();
        __syncthreads();
        write_merged<WarpsAcross>(a, tile, running, reinterpret_cast<float*>(keys));
    }
}

// Many lanes: 128 a block, or 64.
#define ATTENTION_MMA(headDim, rowTiles, keys)                                                                                      \
    extern "C" __global__ void __launch_bounds__(128, 2) attention_mma_##headDim(AttentionArguments<BFloat16> a)                    \
    {                                                                                                                               \
        attention_mma<headDim, rowTiles, 4, 1, keys>(a);                                                                            \
    }

ATTENTION_MMA(64, 2, 64)
ATTENTION_MMA(96, 2, 64)
ATTENTION_MMA(128, 2, 64)
ATTENTION_MMA(256, 1, 32)

// Few lanes, as in decode: 16 a block, and a quarter of each 64 keys a warp.
#define ATTENTION_FEW_MMA(headDim)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(128) attention_few_mma_##headDim(AttentionArguments<BFloat16> a)                   \
    {                                                                                                                               \
        attention_mma<headDim, 1, 1, 4, 64>(a);                                                                                     \
    }

ATTENTION_FEW_MMA(64)
ATTENTION_FEW_MMA(96)
ATTENTION_FEW_MMA(128)
ATTENTION_FEW_MMA(256)
