// The twin of ../device/warpgroup.h for the processor, where each function is explained.
#pragma once

#include "tensor_cores.h"

namespace icc_host
{
void wgmma_wait(int pending);
void begin_product(float (&d)[64], unsigned long long a, unsigned long long b, bool add);
} // namespace icc_host

// Where it is in shared memory, of which only that of the size that the launch gives has addresses here.
unsigned shared_address(const void* pointer);
void fence_proxy_async();
inline void wgmma_fence() {}

template <bool Add = true>
void wgmma_m64n128k16_bf16(float (&d)[64], unsigned long long a, unsigned long long b)
{
    icc_host::begin_product(d, a, b, Add);
}

void wgmma_m64k16_bf16_columns(float (&d)[64], const unsigned (&a)[4], unsigned long long b);
void wgmma_m64k16_bf16_columns(float (&d)[32], const unsigned (&a)[4], unsigned long long b);
inline void hold(float (&)[64]) {}
inline void hold(float (&)[32]) {}
inline unsigned anew(unsigned number) { return number; }
void wgmma_commit();

template <int Pending>
void wgmma_wait()
{
    icc_host::wgmma_wait(Pending);
}

template <int Pending>
void wgmma_wait_after(float)
{
    wgmma_wait<Pending>();
}
