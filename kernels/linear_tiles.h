// Shared by linear_mma.cu and linear_wgmma.cu: what they multiply, which block makes which tile, and what becomes of the sums.
#pragma once

#include "common.h"

// y = scale * (x weight^T) + bias, or the same added to y, where x and weight are sums of terms of bfloat16 (bf16_terms.cu): the sum of
// the products of `pairs` pairs of terms. Bits 4 p to 4 p + 3 of `order` name the terms of pair p: x's, 2 bits, then weight's.
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

// Walks over the inputs of all pairs of terms, a piece of Depth at a time.
template <int Depth>
struct Walk
{
    const Linear& linear;
    int pair = 0, start = 0;

    __device__ __forceinline__ explicit Walk(const Linear& all) : linear(all) {}

    __device__ __forceinline__ int pieces() const { return linear.pairs * ((linear.inputs + Depth - 1) / Depth); }

    __device__ __forceinline__ void next()
    {
        start += Depth;
        if (start >= linear.inputs)
        {
            start = 0;
            pair++;
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
    float* target = linear.y + (long long)row * linear.stride + output;
#pragma unroll
    for (int i = 0; i < 2; i++)
    {
        if (output + i < linear.outputs)
        {
            target[i] = linear.scale * sums[i] + (linear.bias ? linear.bias[output + i] : 0.f) + (linear.accumulate ? target[i] : 0.f);
        }
    }
}
