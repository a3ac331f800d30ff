#include "machine.h"

#include <sys/mman.h>

#include <cstdlib>

#include "checker.h"

namespace icc_host
{
namespace
{
thread_local void* current = nullptr;

bool inside(const std::map<uintptr_t, size_t>& ranges, uintptr_t address, size_t bytes)
{
    auto after = ranges.upper_bound(address);
    if (after == ranges.begin())
    {
        return false;
    }
    auto range = std::prev(after);
    if (address - range->first > range->second)
    {
        return false;
    }
    size_t there = range->first + range->second - address;
    for (; bytes > there && after != ranges.end() && after->first == range->first + range->second; range = after++)
    {
        there += after->second;
    }
    return bytes <= there;
}
} // namespace

Machine machine;
char context;

Physical::Physical(size_t size) : bytes(size) { machine.used += size; }

Physical::~Physical() { machine.used -= bytes; }

Result Stream::put(std::function<Result()> work)
{
    if (!machine.lazy)
    {
        return work();
    }
    std::lock_guard hold(lock);
    waiting.push_back(std::move(work));
    return kSuccess;
}

Result Stream::finish()
{
    std::lock_guard hold(lock);
    while (!waiting.empty())
    {
        Result result = waiting.front()();
        waiting.pop_front();
        if (result != kSuccess)
        {
            waiting.clear();
            return result;
        }
    }
    return kSuccess;
}

bool Machine::holds(uintptr_t address, size_t bytes) const { return inside(allocations, address, bytes); }

bool Machine::is_pinned(uintptr_t address, size_t bytes) const { return inside(pinned, address, bytes); }

void Machine::clear()
{
    for (auto [address, bytes] : allocations)
    {
        check_freed(address);
        if (!mappings.contains(address))
        {
            free(reinterpret_cast<void*>(address));
        }
    }
    for (auto [address, bytes] : reserved)
    {
        munmap(reinterpret_cast<void*>(address), bytes);
    }
    for (auto [address, bytes] : pinned)
    {
        free(reinterpret_cast<void*>(address));
    }
    allocations.clear();
    mappings.clear();
    handles.clear();
    reserved.clear();
    pinned.clear();
    used = 0;
    events = 0;
    retained = 0;
    lost = false;
}

void enter(void* given) { current = given; }

Result ready()
{
    return !machine.initialized ? kNotInitialized
        : current != &context || machine.retained == 0 ? kInvalidContext
        : machine.lost ? kLaunchFailed : kSuccess;
}

Result working()
{
    if (machine.life >= 0 && machine.life-- == 0)
    {
        machine.lost = true;
    }
    return ready();
}

Result fits(uint64_t address, size_t bytes)
{
    Result state = working();
    std::lock_guard hold(machine.lock);
    return state != kSuccess ? state : machine.holds(address, bytes) ? kSuccess : kInvalidValue;
}
} // namespace icc_host
