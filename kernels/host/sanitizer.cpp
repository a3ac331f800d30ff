#include "sanitizer.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>

#include "shared_arrays.h"
#include "tensor_cores.h"

namespace icc_host
{
namespace
{
thread_local char found[200];

// "AddressSanitizer: stack-buffer-overflow" of "==1==ERROR: AddressSanitizer: stack-buffer-overflow on address 0x..".
void take(const char* report)
{
    const char* start = strstr(report, "AddressSanitizer: ");
    if (start && found[0] == 0)
    {
        snprintf(found, sizeof found, "%.*s", (int)strcspn(start + 18, " \n") + 18, start);
    }
}

// The room behind each array that belongs to none (tools/build-kernels), of one thread of the host.
struct Guards
{
    MemoryRange memory = shared_memory();
    size_t dynamic = kMostDynamic;

    Guards()
    {
        __asan_set_error_report_callback(take);
        each([](const void* start, size_t bytes) { forbid(start, bytes); });
    }

    ~Guards()
    {
        use(kMostDynamic);
        each([](const void* start, size_t bytes) { allow(start, bytes); });
    }

    void use(size_t bytes)
    {
        if (bytes != dynamic)
        {
            allow(dynamic_shared(), bytes);
            forbid(dynamic_shared() + bytes, kMostDynamic - bytes);
            dynamic = bytes;
        }
    }

    template <typename Action>
    void each(Action action)
    {
        for (const SharedArray& array : shared_arrays())
        {
            if (!array.dynamic)
            {
                action(reinterpret_cast<const void*>(memory.start + array.place.start + array.place.bytes), kSharedGap);
            }
        }
    }
};

thread_local std::unique_ptr<Guards> guards;
} // namespace

void guard_shared_memory(size_t dynamic)
{
    if (sanitizing())
    {
        guards = guards ? std::move(guards) : std::make_unique<Guards>();
        guards->use(dynamic);
        found[0] = 0;
    }
}

void note_kernel(std::string_view name)
{
    static std::mutex lock;
    static std::set<std::string_view> known;
    static const char* path = getenv("ICC_CUDA_HOST_KERNELS");
    std::lock_guard hold(lock);
    if (path && known.insert(name).second)
    {
        std::ofstream(path, std::ios::app) << name << "\n";
    }
}

std::string sanitizer_report() { return found; }
} // namespace icc_host
