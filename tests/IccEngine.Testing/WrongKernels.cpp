// Kernels that are wrong on purpose, each in one way, and some that only look it: what the checker must find, and must not. Each takes
// 64 threads a block, and memory [count], count at least 128. What they write is read again, for the compiler drops what is not.
#include "icc_cuda.h"
#include "kernels.h"

namespace wrong_kernels
{
constexpr int kThreads = 64;

struct Half
{
    unsigned short bits;
};

__global__ void right_neighbour(float* memory, int)
{
    __shared__ float room[kThreads];
    for (int round = 0; round < 3; round++)
    {
        room[threadIdx.x] = (float)threadIdx.x;
        __syncthreads();
        memory[threadIdx.x] = room[threadIdx.x ^ 1];
        __syncthreads();
    }
}

// Two threads write the halves of a word: other bytes.
__global__ void right_halves(float* memory, int)
{
    __shared__ Half room[kThreads];
    room[threadIdx.x] = {(unsigned short)threadIdx.x};
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x ^ 1].bits;
}

// All read what one has written, and what they find in memory.
__global__ void right_broadcast(float* memory, int count)
{
    __shared__ float room[1];
    if (threadIdx.x == 5)
    {
        room[0] = memory[count - 1];
    }
    __syncthreads();
    memory[threadIdx.x] = room[0] + memory[count - 1];
}

__global__ void unwritten_shared(float* memory, int)
{
    __shared__ float room[kThreads];
    memory[threadIdx.x] = room[threadIdx.x];
    room[threadIdx.x] = 1;
}

__global__ void race_of_writes(float* memory, int)
{
    __shared__ float room[kThreads];
    room[threadIdx.x / 2] = (float)threadIdx.x;
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x / 2];
}

__global__ void race_missing_barrier(float* memory, int)
{
    __shared__ float room[kThreads];
    room[threadIdx.x] = (float)threadIdx.x;
    memory[threadIdx.x] = room[threadIdx.x ^ 32];
}

// The barrier is there, but not the one before the next round.
__global__ void race_next_round(float* memory, int)
{
    __shared__ float room[kThreads];
    for (int round = 0; round < 2; round++)
    {
        room[threadIdx.x] = (float)threadIdx.x;
        __syncthreads();
        memory[threadIdx.x] = room[threadIdx.x ^ 1];
    }
}

// A shuffle makes lanes wait for each other, but does not order what they do in memory.
__global__ void race_after_shuffle(float* memory, int)
{
    __shared__ float room[kThreads];
    room[threadIdx.x] = (float)threadIdx.x;
    float sum = warp_sum(1.f);
    memory[threadIdx.x] = sum + room[threadIdx.x ^ 1];
}

__global__ void race_halves(float* memory, int)
{
    __shared__ Half room[kThreads];
    room[threadIdx.x] = {1};
    reinterpret_cast<float*>(room)[threadIdx.x / 2] = 1;
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x].bits;
}

__global__ void race_of_blocks(float* memory, int) { memory[threadIdx.x] = (float)blockIdx.x; }

__global__ void race_in_device_memory(float* memory, int)
{
    memory[threadIdx.x] = 1;
    memory[64 + threadIdx.x] = memory[threadIdx.x ^ 1];
}

__global__ void outside_read_beyond(float* memory, int count) { memory[threadIdx.x] = memory[count - 63 + threadIdx.x]; }

__global__ void outside_write_beyond(float* memory, int count) { memory[count - 63 + threadIdx.x] = 1; }

__global__ void outside_read_before(float* memory, int) { memory[threadIdx.x] = memory[(int)threadIdx.x - 1]; }

__global__ void outside_across_the_end(float* memory, int count)
{
    char* bytes = reinterpret_cast<char*>(memory + count) - 2;
    __builtin_memcpy(bytes, &threadIdx.x, 4);
}

__global__ void outside_shared_beyond(float* memory, int)
{
    __shared__ float room[kThreads];
    room[threadIdx.x + 1] = 1;
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x];
}

__global__ void outside_shared_before(float* memory, int)
{
    __shared__ float room[kThreads];
    room[threadIdx.x] = 1;
    __syncthreads();
    memory[threadIdx.x] = room[(int)threadIdx.x - 1];
}

__global__ void misaligned_pair(float* memory, int)
{
    if (threadIdx.x == 0)
    {
        *reinterpret_cast<double*>(memory + 1) = 1;
    }
}

__global__ void stuck_barrier(float*, int)
{
    if (threadIdx.x < 40)
    {
        __syncthreads();
    }
}

// One lane of the second warp does not come to the shuffle.
__global__ void stuck_shuffle(float* memory, int)
{
    if (threadIdx.x != 37)
    {
        memory[threadIdx.x] = shuffle_xor(1.f, 1);
    }
}

// An array of the thread's own, which only a sanitizer knows.
__global__ void own_read_beyond(float* memory, int count)
{
    float values[8];
    for (int i = 0; i < 8; i++)
    {
        values[i] = memory[threadIdx.x];
        asm volatile("" : : "r"(values + i) : "memory"); // no register
    }
    memory[threadIdx.x] = values[count / 16 + (int)threadIdx.x / 63];
}

#define KERNEL(name) icc_host::KernelEntry::of<&name>(#name)

const icc_host::Kernels all({
    KERNEL(right_neighbour),
    KERNEL(right_halves),
    KERNEL(right_broadcast),
    KERNEL(unwritten_shared),
    KERNEL(race_of_writes),
    KERNEL(race_missing_barrier),
    KERNEL(race_next_round),
    KERNEL(race_after_shuffle),
    KERNEL(race_halves),
    KERNEL(race_of_blocks),
    KERNEL(race_in_device_memory),
    KERNEL(outside_read_beyond),
    KERNEL(outside_write_beyond),
    KERNEL(outside_read_before),
    KERNEL(outside_across_the_end),
    KERNEL(outside_shared_beyond),
    KERNEL(outside_shared_before),
    KERNEL(misaligned_pair),
    KERNEL(own_read_beyond),
    KERNEL(stuck_barrier),
    KERNEL(stuck_shuffle),
});
} // namespace wrong_kernels
