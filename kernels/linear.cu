// y = scale * (x weight^T) + bias, or the same added to y, for many rows: tiles of 64 x 64 results, 16 inputs at a time through shared
// memory, 4 x 4 results a thread in registers, sums in float32.
// x [rows, inputs], weight [outputs, inputs], bias [outputs] or null, y [rows, outputs]; grid (outputs / 64, rows / 64), 256 threads.
#include "common.h"

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kStride = kTile + 4; // keeps rows 16-byte aligned and spreads the transposing stores over the banks
constexpr int kThreads = 256;

// Copies rows [first, first + kTile) and inputs [start, start + kDepth) to room [kDepth][kStride], with zeros beyond the edges.
template <typename T>
__device__ __forceinline__ void load_tile(const T* from, int first, int rows, int start, int inputs, float* room)
{
    int row = threadIdx.x / 4, depth = threadIdx.x % 4 * 4;
    const T* source = from + (long long)(first + row) * inputs + start;
    for (int d = depth; d < depth + 4; d++)
    {
        room[d * kStride + row] = first + row < rows && start + d < inputs ? widen(source[d]) : 0.f;
    }
}

template <typename T>
__device__ __forceinline__ void linear(
    const float* x, const T* weight, const float* bias, float* y, int rows, int inputs, int outputs, float scale, int accumulate)
{
    __shared__ float xs[kDepth * kStride];
    __shared__ float ws[kDepth * kStride];
    int firstRow = blockIdx.y * kTile, firstOutput = blockIdx.x * kTile;
    int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;
    float sums[4][4] = {};
    for (int start = 0; start < inputs; start += kDepth)
    {
        load_tile(x, firstRow, rows, start, inputs, xs);
        load_tile(weight, firstOutput, outputs, start, inputs, ws);
        __syncthreads();
        for (int d = 0; d < kDepth; d++)
        {
            const float* a = xs + d * kStride + ty;
            const float* b = ws + d * kStride + tx;
            for (int i = 0; i < 4; i++)
            {
                for (int j = 0; j < 4; j++)
                {
                    sums[i][j] += a[i] * b[j];
                }
            }
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; i++)
    {
        for (int j = 0; j < 4; j++)
        {
            int row = firstRow + ty + i, output = firstOutput + tx + j;
            if (row < rows && output < outputs)
            {
                float* target = y + (long long)row * outputs + output;
                *target = scale * sums[i][j] + (bias ? bias[output] : 0.f) + (accumulate ? *target : 0.f);
            }
        }
    }
}

#define LINEAR(name, type)                                                                                                              \
    extern "C" __global__ void __launch_bounds__(kThreads) name(                                                                        \
        const float* x, const type* weight, const float* bias, float* y, int rows, int inputs, int outputs, float scale, int accumulate) \
    {                                                                                                                                   \
        linear(x, weight, bias, y, rows, inputs, outputs, scale, accumulate);                                                           \
    }

LINEAR(linear_f32, float)
LINEAR(linear_bf16, BFloat16)
LINEAR(linear_f16, Float16)
