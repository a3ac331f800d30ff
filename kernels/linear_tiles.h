// Shared by linear_mma.cu and linear_wgmma.cu: what they multiply, which block makes which tile, and what becomes of the sums.
#pragma once

#include "common.h"

// y = scale * (x weight^T) + bias, or the same added to y, where x and weight are sums of terms of bfloat16 (bf16_terms.cu): the sum of
// the products of `pairs` pairs of terms. Bits 4 p to 4 p + 3 of `order` name the terms of pair p: x's, 2 bits, then weight's.
// Where the inputs are split among the blocks of a grid's second dimension, each split writes a y of its own, all of them one after the
// other (linear_sum.cu adds them up).
struct Linear
{
    const unsigned short* x;      // [terms, rows, inputs]
    const unsigned short* weight; // [terms, outputs, inputs]
    const float* bias;            // [outputs], or null
    float* y;                     // [rows, outputs], rows `stride` apart
    int rows, inputs, outputs;    // inputs: a multiple of 8
    int stride;
    int pairs;
    unsigned order;
    float scale;
    int accumulate;
};

struct Tile
{
    int row, output; // the first
};

// Blocks in groups of 16 rows of tiles, column by column within a group: those that run at the same time read few rows of both matrices.
template <int Rows, int Outputs>
__device__ __forceinline__ Tile tile_of_block(const Linear& linear)
{
    constexpr int kGroup = 16;
    int rowTiles = (linear.rows + Rows - 1) / Rows, columns = (linear.outputs + Outputs - 1) / Outputs;
    int group = blockIdx.x / (kGroup * columns), within = blockIdx.x % (kGroup * columns);
    int rows = rowTiles - group * kGroup < kGroup ? rowTiles - group * kGroup : kGroup;
    return {(group * kGroup + within % rows) * Rows, within / rows * Outputs};
}

// So many inputs are gone over with every pair of terms in turn before the next ones are: what the pairs read in common is in the L2 cache
// then. It is also the most inputs over which tensor cores add up where it counts: they cut off what does not fit when they add to a sum,
// so their sums over these are added up outside of them, rounded to nearest.
constexpr int kSegment = 128;

// Walks over the inputs of a block's split with all pairs of terms, a piece of Depth at a time. Splits are whole segments.
template <int Depth>
struct Walk
{
    const Linear& linear;
    int begin, end; // of the inputs
    int pair = 0, segment, start;

    __device__ __forceinline__ explicit Walk(const Linear& all) : linear(all)
    {
        long long segments = ((long long)all.inputs + kSegment - 1) / kSegment;
        long long next = segments * (blockIdx.y + 1) / gridDim.y * kSegment;
        begin = segment = start = (int)(segments * blockIdx.y / gridDim.y * kSegment);
        end = next < all.inputs ? (int)next : all.inputs;
    }

    __device__ __forceinline__ int pieces() const { return linear.pairs * ((end - begin + Depth - 1) / Depth); }

    __device__ __forceinline__ void next()
    {
        start += Depth;
        if (start >= end || start == segment + kSegment)
        {
            pair++;
            if (pair == linear.pairs)
            {
                pair = 0;
                segment += kSegment;
            }
            start = segment;
        }
    }

    __device__ __forceinline__ const unsigned short* x() const
    {
        return linear.x + (linear.order >> 4 * pair & 3) * (long long)linear.rows * linear.inputs;
    }

    __device__ __forceinline__ const unsigned short* weight() const
    {
        return linear.weight + (linear.order >> (4 * pair + 2) & 3) * (long long)linear.outputs * linear.inputs;
    }
};

// Two results side by side.
__device__ __forceinline__ void write_pair(const Linear& linear, int row, int output, float first, float second)
{
    if (row >= linear.rows)
    {
        return;
    }
    float sums[2] = {first, second};
    float* target = linear.y + ((long long)blockIdx.y * linear.rows + row) * linear.stride + output;
#pragma unroll
    for (int i = 0; i < 2; i++)
    {
        if (output + i < linear.outputs)
        {
            target[i] = linear.scale * sums[i] + (linear.bias ? linear.bias[output + i] : 0.f) + (linear.accumulate ? target[i] : 0.f);
        }
    }
}
