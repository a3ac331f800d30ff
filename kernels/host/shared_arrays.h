// Where the arrays of shared memory are: `__shared__` makes them thread-local variables of this library, whose symbol table names them.
#pragma once

#include <string>
#include <vector>

#include "checker.h"

namespace icc_host
{
struct SharedArray
{
    std::string name;
    MemoryRange place; // from the start of the thread-local memory
    bool dynamic;      // the launch says how many of its bytes there are
};

// Most bytes of the dynamic one.
constexpr size_t kMostDynamic = 227 * 1024;

// Bytes behind each that belong to none, where the library was built to be checked (tools/build-kernels).
constexpr size_t kSharedGap = 1024;

// All of them, in the order of their addresses.
const std::vector<SharedArray>& shared_arrays();

// The thread-local memory of this library for the calling thread.
MemoryRange shared_memory();
} // namespace icc_host
