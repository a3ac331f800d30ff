// Small kernels that use what kernels/device/tensor_cores.h gives: a product whose fragments are laid out by the tables of the PTX ISA,
// and copies that are used as they should be, and not. Each takes 64 threads a block, and memory [count], count at least 128.
#include "kernels.h"
#include "tensor_cores.h"

namespace tensor_core_kernels
{
constexpr int kThreads = 64;

// a [16, 16] and b [16, 8] of small whole numbers, which bfloat16 holds.
float a_of(int row, int k) { return (float)((3 * row + 5 * k) % 17 - 8); }

float b_of(int k, int column) { return (float)((7 * k + 2 * column) % 13 - 6); }

// memory [16, 8] = a b + 1000, with fragments from ldmatrix: a by rows, b by rows and transposed on the way.
__global__ void product(float* memory, int)
{
    alignas(16) __shared__ unsigned a[16 * 8];
    alignas(16) __shared__ unsigned b[16 * 4];
    for (int i = threadIdx.x; i < 16 * 8; i += kThreads)
    {
        a[i] = pack_bf16(a_of(i / 8, i % 8 * 2), a_of(i / 8, i % 8 * 2 + 1));
    }
    b[threadIdx.x] = pack_bf16(b_of(threadIdx.x / 4, threadIdx.x % 4 * 2), b_of(threadIdx.x / 4, threadIdx.x % 4 * 2 + 1));
    __syncthreads();
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    unsigned fragmentA[4], fragmentB[4];
    ldmatrix_x4(fragmentA, a + lane % 16 * 8 + lane / 16 * 4);
    ldmatrix_x4_trans(fragmentB, b + lane % 16 * 4);
    float d[4] = {1000, 1000, 1000, 1000};
    unsigned pair[2] = {fragmentB[0], fragmentB[1]};
    mma_bf16(d, fragmentA, pair);
    for (int i = 0; i < 2 && warp == 0; i++)
    {
        memory[(lane / 4 + 8 * i) * 8 + lane % 4 * 2] = d[2 * i];
        memory[(lane / 4 + 8 * i) * 8 + lane % 4 * 2 + 1] = d[2 * i + 1];
    }
}

// memory[64 + i] = memory[i], the last two of each four as zeros.
__global__ void copy(float* memory, int)
{
    DYNAMIC_SHARED(bytes);
    float* room = reinterpret_cast<float*>(bytes);
    if (threadIdx.x < 16)
    {
        cp_async_16(room + 4 * threadIdx.x, memory + 4 * threadIdx.x, 8);
        cp_async_commit();
        cp_async_wait<0>();
    }
    __syncthreads();
    memory[64 + threadIdx.x] = room[threadIdx.x];
}

// The same with a wait for all groups but one, of which there is only one.
__global__ void copy_unwaited(float* memory, int)
{
    DYNAMIC_SHARED(bytes);
    float* room = reinterpret_cast<float*>(bytes);
    if (threadIdx.x < 16)
    {
        cp_async_16(room + 4 * threadIdx.x, memory + 4 * threadIdx.x);
        cp_async_commit();
        cp_async_wait<1>();
    }
    __syncthreads();
    memory[64 + threadIdx.x] = room[threadIdx.x];
}

__global__ void race_copy(float* memory, int)
{
    DYNAMIC_SHARED(bytes);
    float* room = reinterpret_cast<float*>(bytes);
    if (threadIdx.x < 16)
    {
        cp_async_16(room + 4 * threadIdx.x, memory + 4 * threadIdx.x);
        cp_async_commit();
        cp_async_wait<0>();
    }
    memory[64 + threadIdx.x] = room[threadIdx.x];
}

// A barrier stands between the use and the end of the next copy, but not its begin.
__global__ void race_next_copy(float* memory, int)
{
    DYNAMIC_SHARED(bytes);
    float* room = reinterpret_cast<float*>(bytes);
    for (int round = 0; round < 2; round++)
    {
        if (threadIdx.x < 16)
        {
            cp_async_16(room + 4 * threadIdx.x, memory + 4 * threadIdx.x);
            cp_async_commit();
        }
        __syncthreads();
        cp_async_wait<0>();
        __syncthreads();
        memory[64 + threadIdx.x] = room[threadIdx.x];
    }
}

__global__ void outside_dynamic(float* memory, int)
{
    DYNAMIC_SHARED(bytes);
    float* room = reinterpret_cast<float*>(bytes);
    room[threadIdx.x + 1] = 1;
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x];
}

__global__ void misaligned_copy(float* memory, int)
{
    DYNAMIC_SHARED(bytes);
    cp_async_16(bytes, memory + 2);
    cp_async_wait<0>();
}

#define KERNEL(name) icc_host::KernelEntry::of<&name>(#name)

const icc_host::Kernels all({
    KERNEL(product),
    KERNEL(copy),
    KERNEL(copy_unwaited),
    KERNEL(race_copy),
    KERNEL(race_next_copy),
    KERNEL(outside_dynamic),
    KERNEL(misaligned_copy),
});
} // namespace tensor_core_kernels
