// Kernels that do what a kernel must not, to prove that it is found.
#include "fibers.h"
#include "checker.h"

namespace
{
thread_local float* memory; // [64]

void race(void**)
{
    __shared__ float room[64];
    room[threadIdx.x / 2] = (float)threadIdx.x;
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x / 2];
}

void missing_barrier(void**)
{
    __shared__ float room[64];
    room[threadIdx.x] = 1.f;
    memory[threadIdx.x] = room[threadIdx.x ^ 1];
}

void beyond_the_end(void**) { memory[threadIdx.x + 1] = 1.f; }

void partial_barrier(void**)
{
    if (threadIdx.x < 40)
    {
        __syncthreads();
    }
}

void partial_shuffle(void**)
{
    if (threadIdx.x != 7)
    {
        warp_sum(1.f);
    }
}

void nothing_wrong(void**)
{
    __shared__ float room[64];
    room[threadIdx.x] = 1.f;
    __syncthreads();
    memory[threadIdx.x] = room[threadIdx.x ^ 1];
}
} // namespace

#pragma GCC visibility push(default)
extern "C"
{
int cuInit(unsigned flags);
int cuDevicePrimaryCtxRetain(void** context, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuCtxSetCurrent(void* context);
int cuMemAlloc_v2(uint64_t* address, size_t bytes);
int cuMemFree_v2(uint64_t address);

// Runs a block of 64 threads of one of the kernels above on memory of 64 floats; the fault that was found, or -1 without a device.
__attribute__((no_sanitize("thread"))) int icc_host_provoke(int which)
{
    void (*const kernels[])(void**) = {nothing_wrong, race, missing_barrier, beyond_the_end, partial_barrier, partial_shuffle};
    void* context;
    uint64_t address;
    if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context) || cuMemAlloc_v2(&address, 64 * sizeof(float)))
    {
        return -1;
    }
    memory = reinterpret_cast<float*>(address);
    icc_host::place = {{0, 0, 0}, {0, 0, 0}, {64, 1, 1}, {1, 1, 1}};
    icc_host::WatchedLaunch watched;
    icc_host::Fault fault = icc_host::run_block({kernels[which], nullptr});
    cuMemFree_v2(address);
    cuDevicePrimaryCtxRelease_v2(0);
    return (int)fault;
}
}
#pragma GCC visibility pop
