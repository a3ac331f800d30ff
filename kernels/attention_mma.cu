// Softmax attention over a paged cache of bfloat16 on tensor cores (Dao 2023): the tiles of attention_tile.h; queries are rounded to
// bfloat16, and so are the weights e^(score - maximum) of the values; scores, maxima, sums and results are float32. Heads have a multiple
// of 8 elements; zeros fill them up to the kernel's.
// A warp holds 16 RowTiles lanes and goes over the block's keys, or where WarpsAcross > 1 (few lanes) over its share of each tile of them.
// Keys and values of a tile come by cp.async: values while scores are computed, the next keys while values are added up.
// Shared memory: (lanes + 2 * keys of a tile) rows of 2 * HeadDim + 16 bytes.
#include "attention_fragments.h"

// Where the results of a lane go: to the output, or to this block's part of a split, with its maximum and sum.
struct Target
{
    float* results;
    float* stats;
    long long offset;

    __device__ __forceinline__ explicit Target(const AttentionArguments<BFloat16>& a)
    {
        bool split = gridDim.z > 1;
        results = a.output ? (split ? a.partResults : a.output) : nullptr;
        stats = split ? a.partStats : nullptr;
        offset = split ? (long long)blockIdx.z * a.rows * a.heads : 0;
    }

    __device__ __forceinline__ float factor(float total) const { return stats ? 1.f : 1.f / total; }

    __device__ __forceinline__ void write_stats(long long place, float maximum, float total) const
    {
        if (stats)
        {
            stats[2 * (place + offset)] = maximum * kLn2;
            stats[2 * (place + offset) + 1] = total;
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
        float offset = largest == -kInfinity ? 0.f : largest;
#pragma unroll
        for (int w = 0; w < Warps; w++)
        {
            float weight = exp2_fast(parts[w][own][0] - offset);
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

// One tile of lanes; tap: null, or what is wanted of it and the block's room.
template <int HeadDim, int RowTiles, int WarpsDown, int WarpsAcross, int Keys, bool Tapped>
__device__ __forceinline__ void attention_mma(const AttentionArguments<BFloat16>& a, const LaneTile& tile, const TapTile* taps, float* room)
{
    using Form = FormOf<HeadDim, RowTiles, WarpsDown, WarpsAcross, Keys>;
    static_assert(Keys <= Form::kThreads && (WarpsAcross == 1 || (RowTiles == 1 && WarpsDown == 1 && !Tapped)));
    DYNAMIC_SHARED(memory);
    __shared__ long long places[2][Keys]; // where keys and values of two tiles are in the cache; -1: none
    unsigned char* queries = memory;
    unsigned char* keys = queries + Form::kLanes * Form::kRow;
    unsigned char* values = keys + Keys * Form::kRow;
    const KvView<BFloat16>& kv = a.kv;
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
    auto tap = tap_where<Tapped, FragmentTaps<RowTiles, Form::kLanes>>(taps, room, lanes, first);
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
            weigh<Form>(kv, tile, lanes, ownKey, masked, scores, running, weights, tap);
        }
        else if constexpr (Tapped)
        {
            tap.skip_to(ownEnd, running.maximum);
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
    if constexpr (Tapped)
    {
        __shared__ float factors[Form::kLanes];
        static_assert(32 * (Form::kLanes + 1) * 4 <= 2 * Keys * Form::kRow);
        tap.finish(running.maximum, running.sum, factors + lanes);
        write_tap<Form::kLanes, Form::kThreads>(
            *taps, tile, room, tap.first, tap.walk.part_behind(), factors, reinterpret_cast<float*>(keys),
            threadIdx.x, [] { __syncthreads(); });
    }
}

template <int HeadDim, int RowTiles, int Keys>
__device__ __forceinline__ void attention_tapped_mma(const AttentionArguments<BFloat16>& a, const TapArguments& tap)
{
    constexpr int kLanes = 64 * RowTiles;
    float* room = tap.room + (long long)blockIdx.x * tap.roomParts * kLanes;
    for (TapTurns turns(tap); turns.next();)
    {
        const LaneTile tile(a, kLanes, turns.tile, turns.kvHead);
        const TapTile taps(tap, a.tiles[2 * turns.tile], turns.tile, turns.kvHead, tile.group);
        attention_mma<HeadDim, RowTiles, 4, 1, Keys, true>(a, tile, &taps, room);
    }
}

// Many lanes: 128 a block, or 64.
#define ATTENTION_MMA(headDim, rowTiles, keys)                                                                                      \
    extern "C" __global__ void __launch_bounds__(128, 2) attention_mma_##headDim(AttentionArguments<BFloat16> a)                    \
    {                                                                                                                               \
        const LaneTile tile(a, 64 * rowTiles, blockIdx.x, blockIdx.y);                                                              \
        attention_mma<headDim, rowTiles, 4, 1, keys, false>(a, tile, nullptr, nullptr);                                             \
    }                                                                                                                               \
    extern "C" __global__ void __launch_bounds__(128, 2) attention_tapped_mma_##headDim(AttentionArguments<BFloat16> a, TapArguments tap) \
    {                                                                                                                               \
        attention_tapped_mma<headDim, rowTiles, keys>(a, tap);                                                                      \
    }

ATTENTION_MMA(64, 2, 64)
ATTENTION_MMA(96, 2, 64)
ATTENTION_MMA(128, 2, 64)
ATTENTION_MMA(256, 1, 32)

// Few lanes, as in decode: 16 a block, and a quarter of each 64 keys a warp.
#define ATTENTION_FEW_MMA(headDim)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(128) attention_few_mma_##headDim(AttentionArguments<BFloat16> a)                   \
    {                                                                                                                               \
        const LaneTile tile(a, 16, blockIdx.x, blockIdx.y);                                                                         \
        attention_mma<headDim, 1, 1, 4, 64, false>(a, tile, nullptr, nullptr);                                                      \
    }

ATTENTION_FEW_MMA(64)
ATTENTION_FEW_MMA(96)
ATTENTION_FEW_MMA(128)
ATTENTION_FEW_MMA(256)
