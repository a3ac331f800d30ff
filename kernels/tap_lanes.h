// The sums of tap.h where weights are numbers of their own, as in attention.cu.
#pragma once

#include "tap.h"

constexpr int kSide = 16;

// Weights are e^(score - maximum).
struct PowerOfE
{
    static constexpr float kLog = 1.f;
    static __device__ __forceinline__ float of(float x) { return exponential(x); }
};

// The sums of tap.h where threads are kSide x kSide: a thread has a row of each 16 lanes and a column of each 16 keys.
template <int Lanes>
struct LaneTaps
{
    static constexpr int kEach = Lanes / kSide;
    PieceWalk walk;
    int first; // key part
    PutAway<Lanes, PowerOfE> put[kEach];
    float sums[kEach];

    // room: of the block; key: first one of the block.
    __device__ __forceinline__ LaneTaps(const TapTile* tap, float* room, int key) : walk(tap->pieces, key), first(walk.part_from()), sums()
    {
#pragma unroll
        for (int i = 0; i < kEach; i++)
        {
            put[i].room = room + threadIdx.x / kSide + i * kSide;
        }
    }

    // Adds the weights of keys [key, key + 16 KeysEach); maximum: what they are relative to.
    template <int KeysEach>
    __device__ __forceinline__ void add(int key, const float (&weights)[kEach][KeysEach], const float (&maximum)[kEach])
    {
        constexpr int kKeys = KeysEach * kSide;
        for (int from = key; from < key + kKeys;)
        {
            int to = walk.end < key + kKeys ? walk.end : key + kKeys;
#pragma unroll
            for (int i = 0; i < kEach; i++)
            {
#pragma unroll
                for (int j = 0; j < KeysEach; j++)
                {
                    int k = key + (int)threadIdx.x % kSide + j * kSide;
                    sums[i] += k >= from && k < to ? weights[i][j] : 0.f;
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

    // What there is of the piece.
    __device__ __forceinline__ void put_away(const float (&maximum)[kEach])
    {
#pragma unroll
        for (int i = 0; i < kEach; i++)
        {
            float sum = lanes_sum(sums[i], kSide);
            if (walk.part >= 0 && threadIdx.x % kSide == 0)
            {
                put[i].put(first, walk.part, sum, maximum[i]);
            }
            sums[i] = 0;
        }
    }

    // After all keys: the factors of the lanes, factors [Lanes]; total: what each thread has of the sums of all weights.
    __device__ __forceinline__ void finish(const float (&maximum)[kEach], const float (&total)[kEach], float* factors)
    {
        put_away(maximum);
#pragma unroll
        for (int i = 0; i < kEach; i++)
        {
            float sum = lanes_sum(total[i], kSide);
            if (threadIdx.x % kSide == 0)
            {
                factors[threadIdx.x / kSide + i * kSide] = put[i].factor(first, walk.part_behind(), maximum[i], sum);
            }
        }
    }
};
