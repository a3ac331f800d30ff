// The sums of tap.h where weights are fragments of 16 rows, as mma and wgmma leave them: a thread holds halves 2 i and 2 i + 1 of row tile
// i, rows 16 i + lane / 4 and 8 further, and of eight keys the columns 2 (lane % 4) and the next. What a warp has summed up of a piece is
// put away by the lanes of a row together, each a half.
#pragma once

#include "tap.h"

constexpr float kLog2E = 1.44269504088896341f;
constexpr float kLn2 = 0.69314718055994531f;

// Weights are 2^(score log2 e - maximum), the maximum being that of the scores times log2 e.
struct PowerOfTwo
{
    static constexpr float kLog = kLn2;
    static __device__ __forceinline__ float of(float x) { return exp2_fast(x); }
};

template <int RowTiles, int Lanes>
struct FragmentTaps
{
    static_assert(RowTiles == 1 || RowTiles == 2);
    PieceWalk walk;
    int first; // key part
    PutAway<Lanes, PowerOfTwo> put;
    float sums[RowTiles][2];

    // room: of the block; lanes: first lane of the warp; key: first one of the block.
    __device__ __forceinline__ FragmentTaps(const TapTile* tap, float* room, int lanes, int key)
        : walk(tap->pieces, key), first(walk.part_from()), put{room + lanes + own_row()}, sums()
    {
    }

    // The row, of those of the warp, that this thread puts away; of one row tile two threads have the same.
    static __device__ __forceinline__ int own_row()
    {
        int lane = threadIdx.x % 32;
        return lane / 4 + lane % 2 * 8 + (RowTiles == 2 ? lane / 2 % 2 * 16 : 0);
    }

    static __device__ __forceinline__ bool puts() { return threadIdx.x % 4 < 2 * RowTiles; }

    // The value of that row. All are read first: a choice among addresses would keep them in memory.
    static __device__ __forceinline__ float own(const float (&values)[RowTiles][2])
    {
        int lane = threadIdx.x % 32;
        float low = values[0][0], high = values[0][1], nextLow = values[RowTiles - 1][0], nextHigh = values[RowTiles - 1][1];
        bool next = lane & 2;
        low = next ? nextLow : low;
        high = next ? nextHigh : high;
        return lane % 2 ? high : low;
    }

    // Sum over the threads of that row.
    static __device__ __forceinline__ float own_sum(const float (&values)[RowTiles][2])
    {
        int lane = threadIdx.x % 32;
        float mine[2];
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float first = values[0][half], next = values[RowTiles - 1][half];
            mine[half] = (lane & 2 ? next : first) + shuffle_xor(lane & 2 ? first : next, 2);
        }
        float low = mine[0], high = mine[1];
        return (lane % 2 ? high : low) + shuffle_xor(lane % 2 ? low : high, 1);
    }

    // Adds the weights of keys [key, key + 8 Pairs), of which a thread has a pair of each eight; maximum: what they are relative to.
    template <int Pairs>
    __device__ __forceinline__ void add(int key, const float (&weights)[RowTiles][2][Pairs][2], const float (&maximum)[RowTiles][2])
    {
        constexpr int kKeys = 8 * Pairs;
        if (walk.end > key + kKeys)
        {
#pragma unroll
            for (int i = 0; i < RowTiles; i++)
            {
#pragma unroll
                for (int n = 0; n < Pairs; n++)
                {
                    sums[i][0] += weights[i][0][n][0] + weights[i][0][n][1];
                    sums[i][1] += weights[i][1][n][0] + weights[i][1][n][1];
                }
            }
            return;
        }
        int low = key + threadIdx.x % 4 * 2;
        for (int from = key; from < key + kKeys;)
        {
            int to = walk.end < key + kKeys ? walk.end : key + kKeys;
#pragma unroll
            for (int n = 0; n < Pairs; n++)
            {
                int k = low + 8 * n;
                bool lowIn = k >= from && k < to, highIn = k + 1 >= from && k + 1 < to;
#pragma unroll
                for (int i = 0; i < RowTiles; i++)
                {
#pragma unroll
                    for (int half = 0; half < 2; half++)
                    {
                        sums[i][half] += (lowIn ? weights[i][half][n][0] : 0.f) + (highIn ? weights[i][half][n][1] : 0.f);
                    }
                }
            }
            if (to == walk.end)
            {
                put_away(maximum);
                walk.advance();
            }
            from = to;
        }
    }

    // Goes on to a key without weights of those before.
    __device__ __forceinline__ void skip_to(int key, const float (&maximum)[RowTiles][2])
    {
        while (walk.end <= key)
        {
            put_away(maximum);
            walk.advance();
        }
    }

    // What there is of the piece.
    __device__ __forceinline__ void put_away(const float (&maximum)[RowTiles][2])
    {
        if (walk.part >= 0)
        {
            float sum = own_sum(sums);
            if (puts())
            {
                put.put(first, walk.part, sum, own(maximum));
            }
        }
#pragma unroll
        for (int i = 0; i < RowTiles; i++)
        {
            sums[i][0] = sums[i][1] = 0;
        }
    }

    // After all keys: the factors of the warp's lanes, factors [16 RowTiles]; total: what each thread has of the sums of all weights.
    __device__ __forceinline__ void finish(const float (&maximum)[RowTiles][2], const float (&total)[RowTiles][2], float* factors)
    {
        put_away(maximum);
        float sum = own_sum(total);
        if (puts())
        {
            factors[own_row()] = put.factor(first, walk.part_behind(), own(maximum), sum);
        }
    }
};
