// The twin of ../device/warpgroup.h for the processor, where each function is explained.
#pragma once

#include "tensor_cores.h"

namespace icc_host
{
void wgmma_wait(int pending);
} // namespace icc_host

// Where it is in shared memory, of which only that of the size that the launch gives has addresses here.
unsigned shared_address(const void* pointer);
void fence_proxy_async();
inline void wgmma_fence() {}
void wgmma_m64n128k16_bf16(float (&d)[64], unsigned long long a, unsigned long long b);
void wgmma_commit();

template <int Pending>
void wgmma_wait()
{
    icc_host::wgmma_wait(Pending);
}
