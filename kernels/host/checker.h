// What kernels touch in memory, where the library was built to tell (tools/build-kernels --host FILE --check): every access must lie in a
// live allocation or in an array of shared memory, and no two threads may touch the same bytes without an order between them, one of
// them writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "orders.h"

namespace icc_host
{
struct MemoryRange
{
    uintptr_t start = 0;
    size_t bytes = 0;

    bool holds(uintptr_t address) const { return address - start < bytes; }
    bool holds(uintptr_t address, size_t count) const { return holds(address) && count <= bytes - (address - start); }
};

// Whether the kernels report what they touch; where not, the functions below have nothing to do.
bool checking();

void check_allocated(uintptr_t address, size_t bytes);
void check_freed(uintptr_t address);

// A launch on this thread of the host begins.
void check_launch();

// A block of it begins; it finds shared memory full of NaN.
void check_block();

// All threads of the block have met at a barrier.
void check_barrier();

// The running thread touches memory, at a multiple of the number of bytes: for what kernels do through functions of the runtime.
void check_touch(const void* pointer, size_t bytes, bool writes);

// The running thread tells what it knows to have happened, and did; it learns what others told.
void check_tell(Knowledge& board);
void check_learn(const Knowledge& board);

// It begins a product of wgmma, which reads memory as an actor of its own (orders.h) at the time that is given back; products that are
// begun after a commit have a later one. check_product_ends: the product of thread `of` happened before what `thread` does now.
uint64_t check_product_begins();
void check_product_reads(const void* pointer, size_t bytes, uint64_t time);
void check_products_committed();
void check_product_ends(unsigned thread, unsigned of, uint64_t time);

// What was wrong in the last launch, in one line; empty where nothing was.
std::string check_report();
} // namespace icc_host
