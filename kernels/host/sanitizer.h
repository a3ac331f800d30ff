// What AddressSanitizer must be told where the library was built for it (tools/build-kernels --host-asan): fibers change stacks, and arrays
// of shared memory are no variables of a function. Where it is not in the process all of this does nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

extern "C"
{
__attribute__((weak)) void __asan_poison_memory_region(void const volatile* start, size_t bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(void const volatile* start, size_t bytes);
__attribute__((weak)) void __asan_set_error_report_callback(void (*report)(const char* text));
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** fakeStack, const void* bottom, size_t bytes);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* fakeStack, const void** bottom, size_t* bytes);
}

namespace icc_host
{
struct StackRange
{
    const void* bottom;
    size_t bytes;
};

inline bool sanitizing() { return __asan_poison_memory_region != nullptr; }

inline void forbid(const void* start, size_t bytes)
{
    if (sanitizing())
    {
        __asan_poison_memory_region(start, bytes);
    }
}

inline void allow(const void* start, size_t bytes)
{
    if (sanitizing())
    {
        __asan_unpoison_memory_region(start, bytes);
    }
}

// Around the switch to another stack; what leave gives, arrive takes when the fiber goes on.
inline void* leave(StackRange to)
{
    void* fakeStack = nullptr;
    if (sanitizing())
    {
        __sanitizer_start_switch_fiber(&fakeStack, to.bottom, to.bytes);
    }
    return fakeStack;
}

// Gives the stack that was left.
inline StackRange arrive(void* fakeStack)
{
    StackRange from{};
    if (sanitizing())
    {
        __sanitizer_finish_switch_fiber(fakeStack, &from.bottom, &from.bytes);
    }
    return from;
}

// A launch begins on this thread of the host, which gives so many bytes of shared memory beside the kernel's own arrays.
void guard_shared_memory(size_t dynamic);

// Writes the names of kernels that run to the file that ICC_CUDA_HOST_KERNELS names, each once.
void note_kernel(std::string_view name);

// What was wrong since then, in a few words (the report is in the output of the process); empty where nothing was.
std::string sanitizer_report();
} // namespace icc_host
