// Shared by the kernels: element types of weights, and functions that give the same on every target.
#pragma once

#include "icc_cuda.h"

// A weight of type bfloat16 or float16, as its bits; float32 is float itself.
struct BFloat16 { unsigned short bits; };
struct Float16 { unsigned short bits; };

__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(BFloat16 x) { return float_from_bits((unsigned)x.bits << 16); }
__device__ __forceinline__ float widen(Float16 x) { return float_from_half(x.bits); }

constexpr float kInfinity = __builtin_inff();

// e^x within 2 units in the last place: x = n ln 2 + r, a polynomial in r (Cephes, expf), and 2^n in two factors so that subnormal
// results and overflow come out right.
__device__ __forceinline__ float exponential(float x)
{
    x = x < -104.f ? -104.f : x > 89.f ? 89.f : x;
    const float shift = 12582912.f; // 1.5 * 2^23: adding it rounds to an integer
    float n = (x * 1.44269504088896341f + shift) - shift;
    float r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.f;
    int half = (int)n / 2;
    int rest = (int)n - half;
    return y * float_from_bits((unsigned)(half + 127) << 23) * float_from_bits((unsigned)(rest + 127) << 23);
}

// The value of the lane whose number differs in the bits of mask: any type of 4 or 8 bytes, moved as it is.
template <typename T>
__device__ __forceinline__ T exchange_xor(T value, int mask)
{
    struct Words { float word[sizeof(T) / sizeof(float)]; };
    Words words = __builtin_bit_cast(Words, value);
    for (float& word : words.word)
    {
        word = shuffle_xor(word, mask);
    }
    return __builtin_bit_cast(T, words);
}

// The value of a lane, a number of 64 bits.
__device__ __forceinline__ long long shuffle(long long value, int lane)
{
    unsigned low = (unsigned)shuffle((int)(value & 0xffffffff), lane);
    return (long long)shuffle((int)(value >> 32), lane) << 32 | low;
}

// Sum over the 32 lanes of a warp in float64, the same bits in each.
__device__ __forceinline__ double warp_sum(double value)
{
    for (int mask = 16; mask > 0; mask /= 2)
    {
        value += exchange_xor(value, mask);
    }
    return value;
}

// Sum over the block of a multiple of 32 threads, the same bits in each thread. Ends with a barrier that frees room [32].
__device__ __forceinline__ float block_sum(float value, float* room)
{
    int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    value = warp_sum(value);
    if (threadIdx.x % 32 == 0)
    {
        room[warp] = value;
    }
    __syncthreads();
    float sum = 0;
    for (int w = 0; w < warps; w++)
    {
        sum += room[w];
    }
    __syncthreads();
    return sum;
}

// Largest over the block, likewise.
__device__ __forceinline__ float block_max(float value, float* room)
{
    int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    value = lanes_max(value, 32);
    if (threadIdx.x % 32 == 0)
    {
        room[warp] = value;
    }
    __syncthreads();
    float max = room[0];
    for (int w = 1; w < warps; w++)
    {
        max = room[w] > max ? room[w] : max;
    }
    __syncthreads();
    return max;
}
