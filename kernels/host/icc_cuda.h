// The twin of ../device/icc_cuda.h for the processor: blocks run one after the other on the thread that launches them, the threads of a
// block as fibers (fibers.cpp) that change places at barriers and shuffles only.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#define __global__
#define __device__
#define __shared__ static thread_local
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

namespace icc_host
{
// Where the running fiber is in its launch.
struct Place
{
    uint3 thread, block;
    dim3 threads, blocks;
    unsigned shared; // bytes of shared memory that the launch gives beside the kernel's own arrays
};

extern thread_local Place place;

void block_barrier();

// A value of up to kLaneBytes of each lane of a warp.
constexpr int kLaneBytes = 64;

template <typename T>
struct Lanes
{
    char* memory;

    T& operator[](int lane) const { return *reinterpret_cast<T*>(memory + kLaneBytes * lane); }
};

// Waits for all lanes of the warp, then gives what they brought; the last one to come calls `all` first, where it is given.
char* exchange(const void* value, size_t bytes, void (*all)(char* lanes));

template <typename T, void (*All)(Lanes<T> lanes) = nullptr>
Lanes<T> exchange(const T& value)
{
    static_assert(sizeof(T) <= kLaneBytes);
    if constexpr (All == nullptr)
    {
        return {exchange(&value, sizeof(T), nullptr)};
    }
    else
    {
        return {exchange(&value, sizeof(T), [](char* lanes) { All({lanes}); })};
    }
}
} // namespace icc_host

#define threadIdx (::icc_host::place.thread)
#define blockIdx (::icc_host::place.block)
#define blockDim (::icc_host::place.threads)
#define gridDim (::icc_host::place.blocks)

inline void __syncthreads() { icc_host::block_barrier(); }

inline float shuffle_xor(float value, int mask) { return icc_host::exchange(value)[threadIdx.x % 32 ^ mask]; }

inline int shuffle(int value, int lane) { return icc_host::exchange(value)[lane]; }

inline float larger(float a, float b) { return fmaxf(a, b); }

// The shuffles of a reduction in one exchange, combined in the order that they have on the device.
template <typename Combine>
inline float reduce_lanes(float value, int width, Combine combine)
{
    float values[32];
    auto all = icc_host::exchange(value);
    int lane = threadIdx.x % 32, first = lane / width * width;
    for (int i = 0; i < width; i++)
    {
        values[i] = all[first + i];
    }
    for (int half = width / 2; half > 0; half /= 2)
    {
        for (int i = 0; i < half; i++)
        {
            values[i] = combine(values[i], values[i + half]);
        }
    }
    return values[0];
}

inline float lanes_sum(float value, int width)
{
    return reduce_lanes(value, width, [](float a, float b) { return a + b; });
}

inline float lanes_max(float value, int width)
{
    return reduce_lanes(value, width, [](float a, float b) { return fmaxf(a, b); });
}

inline float warp_sum(float value) { return lanes_sum(value, 32); }

inline float float_from_bits(unsigned bits) { return std::bit_cast<float>(bits); }

inline float square_root(float x) { return sqrtf(x); }

template <typename T>
inline T rounded_product(T a, T b)
{
    volatile T product = a * b;
    return product;
}

inline float exp2_fast(float x) { return exp2f(x); }

inline float float_from_half(unsigned short bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float sign = bits >> 15 ? -1.f : 1.f;
    if (exponent == 31)
    {
        return mantissa == 0 ? sign * INFINITY : NAN;
    }
    return sign * (exponent == 0 ? ldexpf((float)mantissa, -24) : float_from_bits((unsigned)(exponent + 112) << 23 | mantissa << 13));
}
