// The twin of ../device/tensor_cores.h for the processor, where each function is explained.
#pragma once

#include "icc_cuda.h"

#define DYNAMIC_SHARED(name) unsigned char* name = ::icc_host::dynamic_shared()

namespace icc_host
{
// Shared memory of the size that the launch gives.
unsigned char* dynamic_shared();

void cp_async_wait(int pending);
} // namespace icc_host

unsigned pack_bf16(float low, float high);
void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
void ldmatrix_x4(unsigned (&words)[4], const void* row);
void ldmatrix_x4_trans(unsigned (&words)[4], const void* row);
void cp_async_16(void* to, const void* from, int bytes = 16);
void cp_async_commit();

template <int Pending>
void cp_async_wait()
{
    icc_host::cp_async_wait(Pending);
}
