#include "machine.h"

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

// A call more; the device may be lost at it.
void age()
{
    if (machine.life >= 0 && machine.life-- == 0)
    {
        machine.lost = true;
    }
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
    waits++;
    return kSuccess;
}

Result Stream::finish()
{
    std::lock_guard hold(lock);
    Result result = kSuccess;
    while (!waiting.empty() && !gone && result == kSuccess)
    {
        result = waiting.front()();
        waiting.pop_front();
    }
    waiting.clear();
    waits = 0;
    return result;
}

bool Machine::holds(uintptr_t address, size_t bytes) const { return inside(allocations, address, bytes); }

bool Machine::is_pinned(uintptr_t address, size_t bytes) const { return inside(pinned, address, bytes); }

void Machine::give_back()
{
    for (void* stream : streams)
    {
        early += static_cast<Stream*>(stream)->waits > 0;
    }
}

void Machine::clear()
{
    std::erase_if(allocations, [&](const auto& allocation)
    {
        auto [address, bytes] = allocation;
        if (mappings.contains(address))
        {
            return false;
        }
        check_freed(address);
        free(reinterpret_cast<void*>(address));
        used -= bytes;
        return true;
    });
    for (auto [address, bytes] : pinned)
    {
        free(reinterpret_cast<void*>(address));
    }
    for (void* stream : streams)
    {
        static_cast<Stream*>(stream)->gone = true;
    }
    streams.clear();
    pinned.clear();
    events = 0;
    active = false;
    lost = false;
}

void enter(void* given) { current = given; }

Result ready()
{
    return !machine.initialized ? kNotInitialized
        : current != &context ? kInvalidContext
        : !machine.active ? kContextIsDestroyed
        : machine.lost ? kLaunchFailed : kSuccess;
}

Result working()
{
    age();
    return ready();
}

Result working(void* stream)
{
    Result state = working();
    std::lock_guard hold(machine.lock);
    return state != kSuccess ? state : machine.streams.contains(stream) ? kSuccess : kInvalidHandle;
}

Result processing()
{
    age();
    return !machine.initialized ? kNotInitialized : machine.lost ? kLaunchFailed : kSuccess;
}

Result fits(uint64_t address, size_t bytes)
{
    Result state = working();
    std::lock_guard hold(machine.lock);
    return state != kSuccess ? state : machine.holds(address, bytes) ? kSuccess : kInvalidValue;
}
} // namespace icc_host
