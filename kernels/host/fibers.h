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

// Waits for all 128 threads of the warpgroup, which begins at thread `first`; the last one to come calls `last`.
void meet_warpgroup(void (*last)(int first, int argument), int argument);

// A block begins: none of its threads copies or multiplies anything yet.
void forget_copies(unsigned count);
void forget_products(unsigned count);

// The last row of each product of wgmma is wrong.
void pretend_wrong_wgmma(bool value);

// Whether the 16 bytes at an address of dynamic shared memory were copied there and not yet made visible to wgmma.
bool hidden_copy(unsigned address);

// Ends the running block from within: run_block returns false.
[[noreturn]] void give_up_block();
} // namespace icc_host
