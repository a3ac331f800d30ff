// The linear layer for a few rows (decode): the weight is read once, one warp an output, all rows at a time.
// y = scale * (x weight^T) + bias, or the same added to y: x [rows, inputs], weight [outputs, inputs], bias [outputs] or null,
// y [rows, outputs]; rows at most the number in the name; grid (outputs / warps of a block), a multiple of 32 threads.
#include "common.h"

// What a lane takes of a row of the weight at a time: at least 16 bytes, in one load where they are aligned.
constexpr int kPiece = 8;

template <typename T>
struct alignas(16) Piece
{
    T values[kPiece];
};

template <int Rows, typename T>
__device__ __forceinline__ void linear_few(
    const float* x, const T* weight, const float* bias, float* y, int rows, int inputs, int outputs, float scale, int accumulate)
{
    int output = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    if (output >= outputs)
    {
        return;
    }
    const T* w = weight + (long long)output * inputs;
    float sums[Rows] = {};
    bool aligned = inputs % kPiece == 0 && (unsigned long long)x % 16 == 0;
    int pieces = aligned ? inputs / kPiece : 0;
    for (int p = lane; p < pieces; p += 32)
    {
        Piece<T> factors = reinterpret_cast<const Piece<T>*>(w)[p];
#pragma unroll
        for (int r = 0; r < Rows; r++)
        {
            if (r < rows)
            {
                Piece<float> values = reinterpret_cast<const Piece<float>*>(x + (long long)r * inputs)[p];
#pragma unroll
                for (int i = 0; i < kPiece; i++)
                {
                    sums[r] += widen(factors.values[i]) * values.values[i];
                }
            }
        }
    }
    for (int i = pieces * kPiece + lane; i < inputs; i += 32)
    {
        float factor = widen(w[i]);
        for (int r = 0; r < Rows; r++)
        {
            sums[r] += r < rows ? factor * x[(long long)r * inputs + i] : 0.f;
        }
    }
    for (int r = 0; r < Rows; r++)
    {
        float sum = warp_sum(sums[r]);
        if (lane == 0 && r < rows)
        {
            float* target = y + (long long)r * outputs + output;
            *target = scale * sum + (bias ? bias[output] : 0.f) + (accumulate ? *target : 0.f);
        }
    }
}

#define LINEAR_FEW(name, most, type)                                                                                                    \
    extern "C" __global__ void name(                                                                                                    \
        const float* x, const type* weight, const float* bias, float* y, int rows, int inputs, int outputs, float scale, int accumulate) \
    {                                                                                                                                   \
        linear_few<most>(x, weight, bias, y, rows, inputs, outputs, scale, accumulate);                                                 \
    }

LINEAR_FEW(linear_1_f32, 1, float)
LINEAR_FEW(linear_1_bf16, 1, BFloat16)
LINEAR_FEW(linear_1_f16, 1, Float16)
LINEAR_FEW(linear_8_f32, 8, float)
LINEAR_FEW(linear_8_bf16, 8, BFloat16)
LINEAR_FEW(linear_8_f16, 8, Float16)
