// The twin of ../device/mbarrier.h for the processor, where each function is explained.
#pragma once

#include "tensor_cores.h"

struct MBarrier
{
    unsigned long long state;
};

namespace icc_host
{
// All threads of the warpgroup want so many registers.
void set_registers(int count);
} // namespace icc_host

void mbarrier_init(MBarrier& barrier, int arrivals);
void mbarrier_arrive(MBarrier& barrier);
void mbarrier_wait(MBarrier& barrier, int parity);
void named_barrier(int number, int threads);
void named_barrier_arrive(int number, int threads);

template <int Count>
void give_up_registers()
{
    icc_host::set_registers(Count);
}

template <int Count>
void take_registers()
{
    icc_host::set_registers(Count);
}
