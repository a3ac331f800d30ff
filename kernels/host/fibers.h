// Runs one block: its threads are fibers on stacks of their own.
#pragma once

#include "checker.h"
#include "icc_cuda.h"

namespace icc_host
{
// A kernel with its parameters bound.
struct Kernel
{
    void (*run)(void** parameters);
    void** parameters;
};

// Runs all threads of the block that `place` names (blocks, threads and block are set), at most 1024.
// False where threads waited for others that can no longer come (a barrier that not all threads of the block reach, or a shuffle that
// not all lanes of a warp reach), and where the block was given up.
bool run_block(const Kernel& kernel);

// What the fibers of this thread of the host use: what they know of each other, and their stacks.
struct FiberMemory
{
    MemoryRange state, stacks;
};

FiberMemory fiber_memory();

// Waits for all 128 threads of the warpgroup, which begins at thread `first`, all with the same argument; the last one to come calls `last`.
void meet_warpgroup(void (*last)(int first, int argument), int argument);

// Others have their turn, as far as they come, before this thread goes on.
void give_way();

// Likewise, and at least until over(what).
void wait_until(bool (*over)(const void* what), const void* what);

// Something happened that others may wait for.
void progressed();

// A block begins: none of its threads copies or multiplies anything yet, and there are no barriers in shared memory.
void forget_copies(unsigned count);
void forget_products(unsigned count);
void forget_mbarriers();

// The last row of each product of wgmma is wrong.
void pretend_wrong_wgmma(bool value);

// The running thread wrote to dynamic shared memory, which wgmma does not see until the thread says fence_proxy_async.
void hide_from_products(unsigned address, size_t bytes);

// Whether the 16 bytes at an address of dynamic shared memory were written and not yet made visible to wgmma.
bool hidden_from_products(unsigned address);

// Ends the running block from within: run_block returns false.
[[noreturn]] void give_up_block();
} // namespace icc_host
