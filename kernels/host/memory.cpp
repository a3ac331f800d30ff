// Memory of the device and pinned memory of the host, behind the driver's entry points, and copies between them.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "checker.h"
#include "machine.h"
#include "sanitizer.h"

using namespace icc_host;

namespace
{
constexpr size_t kGap = 64 * 1024;    // between allocations, so that what is beyond one is not in another
constexpr size_t kPoisoned = 1 << 24; // bytes of an allocation that are filled, so that large ones stay cheap
constexpr size_t kGranule = 16 * 1024; // of mapped memory; a device has 2 MiB

// As CUmemAllocationProp and CUmemAccessDesc of cuda.h.
struct Properties
{
    int type, handleTypes, locationType, location;
    void* metaData;
    unsigned char flags[8];

    // Memory of the device, shared with nobody.
    bool valid() const
    {
        constexpr unsigned char none[8] = {};
        return type == 1 && handleTypes == 0 && locationType == 1 && location >= 0 && location < machine.devices && !metaData
            && memcmp(flags, none, sizeof none) == 0;
    }
};
static_assert(sizeof(Properties) == 32);

struct Access
{
    int locationType, location, flags;
};

constexpr int kReadAndWrite = 3;
constexpr int kReleaseThreshold = 4; // an attribute of a pool

uint64_t lastHandle = 0;

void* at(uint64_t address) { return reinterpret_cast<void*>(address); }

char pool;

void poison(uint64_t address, size_t bytes)
{
    memset(at(address), 0xff, bytes < kPoisoned ? bytes : kPoisoned);
    machine.allocations[address] = bytes;
    check_allocated(address, bytes);
}

Result give_back(uint64_t address)
{
    std::lock_guard hold(machine.lock);
    auto found = machine.allocations.find(address);
    if (found == machine.allocations.end() || machine.mappings.contains(address))
    {
        return kInvalidValue;
    }
    machine.used -= found->second;
    machine.allocations.erase(found);
    check_freed(address);
    free(at(address));
    return kSuccess;
}
} // namespace

#pragma GCC visibility push(default)
extern "C"
{
Result cuMemGetInfo_v2(size_t* available, size_t* total)
{
    Result state = working();
    std::lock_guard hold(machine.lock);
    *total = machine.memory;
    *available = machine.memory > machine.used ? machine.memory - machine.used : 0;
    return state;
}

Result cuDeviceGetDefaultMemPool(void** result, int device)
{
    *result = &pool;
    return device < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuMemPoolSetAttribute(void* given, int attribute, void* value)
{
    return given != &pool ? kInvalidHandle : attribute == kReleaseThreshold && value ? kSuccess : kInvalidValue;
}

Result cuMemPoolTrimTo(void* given, size_t) { return given == &pool ? kSuccess : kInvalidHandle; }

Result cuMemAllocAsync(uint64_t* address, size_t bytes, void* stream)
{
    Result state = working(stream);
    std::lock_guard hold(machine.lock);
    if (state != kSuccess || bytes == 0)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    size_t gap = checking() || sanitizing() ? kGap : 0;
    void* memory = machine.used + bytes > machine.memory ? nullptr : aligned_alloc(256, (bytes + 255) / 256 * 256 + gap);
    if (!memory)
    {
        return kOutOfMemory;
    }
    *address = reinterpret_cast<uintptr_t>(memory);
    poison(*address, bytes);
    forbid(at(*address + bytes), gap);
    machine.used += bytes;
    return kSuccess;
}

Result cuMemFreeAsync(uint64_t address, void* stream)
{
    Result state = ready();
    std::unique_lock hold(machine.lock);
    state = state == kSuccess && !machine.streams.contains(stream) ? kInvalidHandle : state;
    hold.unlock();
    return state != kSuccess ? state : static_cast<Stream*>(stream)->put([=] { return give_back(address); });
}

Result cuMemHostAlloc(void** result, size_t bytes, unsigned flags)
{
    Result state = working();
    std::lock_guard hold(machine.lock);
    if (state != kSuccess || bytes == 0 || flags > 7)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    *result = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    machine.pinned[reinterpret_cast<uintptr_t>(*result)] = bytes;
    return *result ? kSuccess : kOutOfMemory;
}

Result cuMemFreeHost(void* memory)
{
    std::lock_guard hold(machine.lock);
    machine.give_back();
    if (machine.pinned.erase(reinterpret_cast<uintptr_t>(memory)) == 0)
    {
        return kInvalidValue;
    }
    free(memory);
    return ready();
}

// Addresses and memory that are mapped by hand belong to the process: no context is needed for them, and none takes them along. What
// waits for the device fails while it is lost.
Result cuMemGetAllocationGranularity(size_t* bytes, const Properties* properties, int option)
{
    *bytes = kGranule;
    return !properties->valid() || option < 0 || option > 1 ? kInvalidValue : machine.initialized ? kSuccess : kNotInitialized;
}

Result cuMemAddressReserve(uint64_t* address, size_t bytes, size_t alignment, uint64_t wanted, uint64_t flags)
{
    Result state = processing();
    std::lock_guard hold(machine.lock);
    if (state != kSuccess || bytes == 0 || bytes % kGranule != 0 || alignment != 0 || wanted != 0 || flags != 0)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    // The end is followed by addresses of nobody.
    void* memory = mmap(nullptr, bytes + kGap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
    {
        return kOutOfMemory;
    }
    *address = reinterpret_cast<uintptr_t>(memory);
    machine.reserved[*address] = bytes + kGap;
    forbid(memory, bytes + kGap);
    return kSuccess;
}

Result cuMemAddressFree(uint64_t address, size_t bytes)
{
    std::lock_guard hold(machine.lock);
    auto found = machine.reserved.find(address);
    auto inside = machine.mappings.lower_bound(address);
    if (found == machine.reserved.end() || found->second != bytes + kGap
        || (inside != machine.mappings.end() && inside->first < address + bytes))
    {
        return kInvalidValue; // not as it was reserved, or something is still mapped there
    }
    allow(at(address), found->second);
    munmap(at(address), found->second);
    machine.reserved.erase(found);
    return kSuccess;
}

Result cuMemCreate(uint64_t* handle, size_t bytes, const Properties* properties, uint64_t flags)
{
    Result state = processing();
    std::lock_guard hold(machine.lock);
    if (state != kSuccess || bytes == 0 || bytes % kGranule != 0 || !properties->valid() || flags != 0)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    if (machine.used + bytes > machine.memory)
    {
        return kOutOfMemory;
    }
    *handle = ++lastHandle;
    machine.handles[*handle] = std::make_shared<Physical>(bytes);
    return kSuccess;
}

Result cuMemRelease(uint64_t handle)
{
    std::lock_guard hold(machine.lock);
    return machine.handles.erase(handle) == 1 ? kSuccess : kInvalidValue;
}

Result cuMemMap(uint64_t address, size_t bytes, size_t offset, uint64_t handle, uint64_t flags)
{
    std::lock_guard hold(machine.lock);
    auto found = machine.handles.find(handle);
    auto after = machine.reserved.upper_bound(address);
    if (found == machine.handles.end() || found->second->bytes != bytes || offset != 0 || flags != 0 || after == machine.reserved.begin())
    {
        return kInvalidValue;
    }
    auto [start, reserved] = *std::prev(after);
    auto next = machine.mappings.lower_bound(address);
    if ((address - start) % kGranule != 0 || address + bytes > start + reserved - kGap
        || (next != machine.mappings.end() && next->first < address + bytes)
        || (next != machine.mappings.begin() && std::prev(next)->first + std::prev(next)->second->bytes > address))
    {
        return kInvalidValue;
    }
    machine.mappings[address] = found->second;
    return kSuccess;
}

Result cuMemSetAccess(uint64_t address, size_t bytes, const Access* access, size_t count)
{
    Result state = processing();
    std::lock_guard hold(machine.lock);
    auto found = machine.mappings.find(address);
    bool valid = count == 1 && access->locationType == 1 && access->location >= 0 && access->location < machine.devices
        && access->flags == kReadAndWrite;
    if (state != kSuccess || !valid || found == machine.mappings.end() || found->second->bytes != bytes
        || mprotect(at(address), bytes, PROT_READ | PROT_WRITE) != 0)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    allow(at(address), bytes);
    poison(address, bytes);
    return kSuccess;
}

Result cuMemUnmap(uint64_t address, size_t bytes)
{
    Result state = processing();
    std::lock_guard hold(machine.lock);
    auto found = machine.mappings.find(address);
    if (state != kSuccess || found == machine.mappings.end() || found->second->bytes != bytes)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    machine.mappings.erase(found);
    machine.allocations.erase(address);
    check_freed(address);
    forbid(at(address), bytes);
    mprotect(at(address), bytes, PROT_NONE);
    madvise(at(address), bytes, MADV_DONTNEED);
    return kSuccess;
}

// Memory of the host that is not pinned is copied before the call returns; pinned memory is read when its turn comes.
Result cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream)
{
    Result state = fits(to, bytes);
    if (state != kSuccess)
    {
        return state;
    }
    auto copy = [=] { memcpy(at(to), from, bytes); return kSuccess; };
    std::unique_lock hold(machine.lock);
    bool pinned = machine.is_pinned(reinterpret_cast<uintptr_t>(from), bytes);
    hold.unlock();
    if (!pinned)
    {
        machine.waits++;
        static_cast<Stream*>(stream)->finish();
        return copy();
    }
    return static_cast<Stream*>(stream)->put(copy);
}

Result cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream)
{
    Result state = fits(from, bytes);
    if (state != kSuccess)
    {
        return state;
    }
    auto copy = [=] { memcpy(to, at(from), bytes); return kSuccess; };
    std::unique_lock hold(machine.lock);
    bool pinned = machine.is_pinned(reinterpret_cast<uintptr_t>(to), bytes);
    hold.unlock();
    if (!pinned)
    {
        machine.waits++;
        state = static_cast<Stream*>(stream)->finish();
        return state != kSuccess ? state : copy();
    }
    return static_cast<Stream*>(stream)->put(copy);
}

Result cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream)
{
    Result state = fits(from, bytes);
    state = state == kSuccess ? fits(to, bytes) : state;
    if (state != kSuccess)
    {
        return state;
    }
    return static_cast<Stream*>(stream)->put([=] { memmove(at(to), at(from), bytes); return kSuccess; });
}

Result cuMemsetD32Async(uint64_t to, unsigned value, size_t count, void* stream)
{
    Result state = to % 4 == 0 ? fits(to, 4 * count) : kInvalidValue;
    if (state != kSuccess)
    {
        return state;
    }
    return static_cast<Stream*>(stream)->put([=] {
        unsigned* words = static_cast<unsigned*>(at(to));
        for (size_t i = 0; i < count; i++)
        {
            words[i] = value;
        }
        return kSuccess;
    });
}
}
#pragma GCC visibility pop
