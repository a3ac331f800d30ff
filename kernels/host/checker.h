// Watches the memory accesses of kernels. The compiler reports every one of them (-fsanitize=thread, whose entry points checker.cpp
// provides in place of the sanitizer's own); a build without that option is not watched.
#pragma once

#include <cstddef>
#include <cstdint>

namespace icc_host
{
enum class Fault
{
    none,
    barrier, // threads waited for others that cannot come
    race,    // two threads of a block met in a word of shared memory between two barriers, and at least one wrote
    address, // memory that is neither shared, nor the thread's own, nor allocated
};

// A launch on this thread. Where accesses are watched there is one at a time, for what was seen of them is kept once.
class WatchedLaunch
{
public:
    WatchedLaunch();
    ~WatchedLaunch();
};

// A block begins, or its threads have passed a barrier.
void watch_barrier();

// The stacks of the fibers, and other memory of the host that kernels may read.
void watch_stacks(const void* begin, size_t bytes);
void watch_host(const void* begin, size_t bytes);

// Gives the running block up.
[[noreturn]] void give_up(Fault fault);

// Defined by the driver: the allocation that holds an address.
bool find_allocation(uintptr_t address, uintptr_t* begin, uintptr_t* end);
} // namespace icc_host
