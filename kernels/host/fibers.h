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

// Runs all threads of the block that `place` names (blocks, threads and block are set), at most 1024. Fault::barrier where not all
// threads of the block reach a barrier, or not all lanes of a warp a shuffle; other faults where accesses are watched.
Fault run_block(const Kernel& kernel);
} // namespace icc_host
