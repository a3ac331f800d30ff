// What a kernel needs of CUDA, for clang without a CUDA SDK. Its twin for the host is ../host/icc_cuda.h; kernels include whichever
// folder is on the include path and never ask which one it is.
#pragma once

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __forceinline__ __inline__ __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };
#include <__clang_cuda_builtin_vars.h>

// The value of the lane whose number differs in the bits of mask. All 32 lanes of the warp take part.
__device__ inline float shuffle_xor(float value, int mask)
{
    return __nvvm_shfl_sync_bfly_f32(0xffffffffu, value, mask, 31);
}

// The value of a lane. All 32 lanes of the warp take part.
__device__ inline int shuffle(int value, int lane) { return __nvvm_shfl_sync_idx_i32(0xffffffffu, value, lane, 31); }

// The larger of two numbers, in one instruction.
__device__ inline float larger(float a, float b) { return __nvvm_fmax_f(a, b); }

// Sum over the 32 lanes of a warp, the same bits in each.
__device__ inline float warp_sum(float value)
{
    for (int mask = 16; mask > 0; mask /= 2)
    {
        value += shuffle_xor(value, mask);
    }
    return value;
}

// Largest of the lanes whose numbers differ in the low bits only: width is 2, 4, .. 32.
__device__ inline float lanes_max(float value, int width)
{
    for (int mask = width / 2; mask > 0; mask /= 2)
    {
        value = __nvvm_fmax_f(value, shuffle_xor(value, mask));
    }
    return value;
}

// Sum over such lanes.
__device__ inline float lanes_sum(float value, int width)
{
    for (int mask = width / 2; mask > 0; mask /= 2)
    {
        value += shuffle_xor(value, mask);
    }
    return value;
}

__device__ inline float float_from_bits(unsigned bits) { return __builtin_bit_cast(float, bits); }

__device__ inline float square_root(float x) { return __nvvm_sqrt_rn_f(x); }

// a b, rounded before anything is added to it: the compiler would round once with the addition.
__device__ inline double rounded_product(double a, double b) { return __nvvm_mul_rn_d(a, b); }
__device__ inline float rounded_product(float a, float b) { return __nvvm_mul_rn_f(a, b); }

// 2^x, off by at most 2^-22 of it; results below 2^-126 are 0.
__device__ inline float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// An IEEE half as float32.
__device__ inline float float_from_half(unsigned short bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
