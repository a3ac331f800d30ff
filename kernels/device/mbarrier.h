// Barriers in shared memory that some threads arrive at and others wait for ("mbarrier" of the PTX ISA) and the registers of a warpgroup, as
// compute capability 9.0 has them, and barriers of a part of the block. The twin for the host is ../host/mbarrier.h.
#pragma once

#include "tensor_cores.h"

// In shared memory of the size that the launch gives, at a multiple of 8 bytes.
struct MBarrier
{
    unsigned long long state;
};

// By one thread, before a barrier of the block: each phase ends with so many arrivals.
__device__ inline void mbarrier_init(MBarrier& barrier, int arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&barrier)), "r"(arrivals) : "memory");
}

// What this thread has done happened before what others do who wait for the phase.
__device__ inline void mbarrier_arrive(MBarrier& barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&barrier)) : "memory");
}

// Waits for the end of the phase of a parity: that which runs, or the one before. The first phase has parity 0; parity 1 was over before.
// A wait of 20 seconds ends the launch with an error: whoever should have arrived never will.
__device__ inline void mbarrier_wait(MBarrier& barrier, int parity)
{
    asm volatile("{.reg .pred over; .reg .u64 start, now; "
        "mbarrier.try_wait.parity.shared::cta.b64 over, [%0], %1; @over bra done; mov.u64 start, %%globaltimer; "
        "again: mbarrier.try_wait.parity.shared::cta.b64 over, [%0], %1; @over bra done; "
        "mov.u64 now, %%globaltimer; sub.u64 now, now, start; setp.gt.u64 over, now, 20000000000; @over trap; bra again; done: }"
        ::"r"(shared_address(&barrier)), "r"(parity)
        : "memory");
}

// This warpgroup needs at most `Count` registers a thread from here on, a multiple of 8; others may have what it gives up.
template <int Count>
__device__ inline void give_up_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count) : "memory");
}

// This warpgroup needs up to `Count`: waits for those that others give up.
template <int Count>
__device__ inline void take_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count) : "memory");
}

// Waits for so many threads of the block, whole warps, at the barrier of a number from 1 to 15.
__device__ inline void named_barrier(int number, int threads)
{
    asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

// Arrives there, for others that wait; does not wait itself.
__device__ inline void named_barrier_arrive(int number, int threads)
{
    asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
