// Runs one block: its threads are fibers on stacks of their own.
#pragma once

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
// False where threads waited for others that can no longer come: a barrier that not all threads of the block reach, or a shuffle that
// not all lanes of a warp reach.
bool run_block(const Kernel& kernel);
} // namespace icc_host
