// The linear layer for a few rows (decode) with a weight of 8-bit integers, of which every 32 along the inputs share a scale:
// y = scale * (x weight^T) + bias, or the same added to y, weight[o, i] = scales[o, i / 32] * values[o, i].
// x [rows, inputs], values [outputs, groups * 32] with zeros behind the last input, scales [outputs, groups] of float16, bias [outputs]
// or null, y [rows, outputs]; rows at most the number in the name; grid (outputs / kOutputs of each warp), any number of warps.
#include "common.h"

constexpr int kGroup = 32;
constexpr int kPiece = 16;   // weights that a lane loads at a time
constexpr int kQuads = kPiece / 4;
constexpr int kChunk = 4096; // numbers of x that are in shared memory at a time
constexpr int kOutputs = 2;  // of a warp: both use the numbers of x that a lane has loaded

struct alignas(kPiece) Quants
{
    signed char values[kPiece];
};

struct alignas(16) Quad
{
    float values[4];
};

template <int Rows>
__device__ __forceinline__ void linear_few_int8(
    const float* x, const signed char* values, const unsigned short* scales, const float* bias, float* y, int rows, int inputs,
    int outputs, float scale, int accumulate)
{
    constexpr int kInputs = kChunk / Rows;
    constexpr int kPieces = kInputs / kPiece;
    // Quad q of piece p of row r is at (r * kQuads + q) * (kPieces + 1) + p: lanes that load and threads that store meet no bank twice.
    __shared__ Quad xs[Rows * kQuads * (kPieces + 1)];
    int lane = threadIdx.x % 32, groups = (inputs + kGroup - 1) / kGroup;
    int first = (blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32) * kOutputs;
    const Quants* weights[kOutputs];
    const unsigned short* factors[kOutputs];
#pragma unroll
    for (int o = 0; o < kOutputs; o++)
    {
        // Outputs beyond the last one repeat it and are not stored.
        long long output = first + o < outputs ? first + o : outputs - 1;
        weights[o] = reinterpret_cast<const Quants*>(values + output * groups * kGroup);
        factors[o] = scales + output * groups;
    }
    float sums[kOutputs][Rows] = {};
    for (int start = 0; start < inputs; start += kInputs)
    {
        int pieces = (groups * kGroup - start) / kPiece;
        pieces = pieces < kPieces ? pieces : kPieces;
        for (int i = threadIdx.x; i < rows * pieces * kPiece; i += blockDim.x)
        {
            int row = i / (pieces * kPiece), input = i % (pieces * kPiece);
            Quad& quad = xs[(row * kQuads + input % kPiece / 4) * (kPieces + 1) + input / kPiece];
            quad.values[input % 4] = start + input < inputs ? x[(long long)row * inputs + start + input] : 0.f;
        }
        __syncthreads();
        for (int p = lane; p < pieces; p += 32)
        {
            Quants quants[kOutputs];
            float factor[kOutputs];
#pragma unroll
            for (int o = 0; o < kOutputs; o++)
            {
                quants[o] = weights[o][start / kPiece + p];
                factor[o] = float_from_half(factors[o][(start + p * kPiece) / kGroup]);
            }
#pragma unroll
            for (int r = 0; r < Rows; r++)
            {
                if (r < rows)
                {
                    float parts[kOutputs] = {};
#pragma unroll
                    for (int q = 0; q < kQuads; q++)
                    {
                        Quad quad = xs[(r * kQuads + q) * (kPieces + 1) + p];
#pragma unroll
                        for (int o = 0; o < kOutputs; o++)
                        {
#pragma unroll
                            for (int i = 0; i < 4; i++)
                            {
                                parts[o] += (float)quants[o].values[q * 4 + i] * quad.values[i];
                            }
                        }
                    }
#pragma unroll
                    for (int o = 0; o < kOutputs; o++)
                    {
                        sums[o][r] += factor[o] * parts[o];
                    }
                }
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int o = 0; o < kOutputs; o++)
    {
#pragma unroll
        for (int r = 0; r < Rows; r++)
        {
            float sum = warp_sum(sums[o][r]);
            if (lane == 0 && r < rows && first + o < outputs)
            {
                float* target = y + (long long)r * outputs + first + o;
                *target = scale * sum + (bias ? bias[first + o] : 0.f) + (accumulate ? *target : 0.f);
            }
        }
    }
}

#define LINEAR_FEW_INT8(name, most)                                                                                                    \
    extern "C" __global__ void name(                                                                                                   \
        const float* x, const signed char* values, const unsigned short* scales, const float* bias, float* y, int rows, int inputs,    \
        int outputs, float scale, int accumulate)                                                                                      \
    {                                                                                                                                  \
        linear_few_int8<most>(x, values, scales, bias, y, rows, inputs, outputs, scale, accumulate);                                   \
    }

LINEAR_FEW_INT8(linear_1_int8, 1)
LINEAR_FEW_INT8(linear_8_int8, 8)
