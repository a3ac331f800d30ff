// The entry points of the CUDA driver that the backend calls, over kernels that run on the processor. It is stricter than a device where
// it can be: handles, bounds of copies, limits of a launch and the parameters of a kernel are checked, and new memory is full of NaN.
// icc_host_set changes what the machine pretends to be, so that every error can be provoked.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "checker.h"
#include "fibers.h"
#include "kernels.h"
#include "ptx.h"
#include "shared_arrays.h"

namespace
{
enum Result
{
    kSuccess = 0,
    kInvalidValue = 1,
    kOutOfMemory = 2,
    kNotInitialized = 3,
    kNoDevice = 100,
    kInvalidDevice = 101,
    kInvalidContext = 201,
    kNoBinaryForGpu = 209,
    kInvalidPtx = 218,
    kUnsupportedPtxVersion = 222,
    kInvalidHandle = 400,
    kNotFound = 500,
    kLaunchFailed = 719,
    kWrongAccess = 10000, // no number of CUDA's; its name is what the checker has to say
};

enum Attribute
{
    kMultiprocessors = 16,
    kCapabilityMajor = 75,
    kCapabilityMinor = 76,
};

constexpr size_t kMostShared = 48 * 1024; // unless the kernel was allowed more
constexpr size_t kGap = 64 * 1024;    // between allocations, so that what is beyond one is not in another
constexpr size_t kPoisoned = 1 << 24; // bytes of an allocation that are filled, so that large ones stay cheap

enum FunctionAttribute
{
    kMostDynamicShared = 8,
};

struct Function
{
    const icc_host::KernelEntry* kernel;
    size_t shared = 0;  // bytes of its own arrays
    size_t dynamic = 0; // most bytes that a launch may add
};

struct Module
{
    icc_host::Ptx ptx;
    std::map<std::string, Function, std::less<>> functions;
};

struct Machine
{
    std::mutex lock;
    bool initialized = false;
    int devices = 1;
    int capability = 90;
    size_t memory = size_t(16) << 30;
    size_t used = 0;
    int ptx = 85;         // newest version that the driver knows
    bool failing = false; // launches fail
    int retained = 0;
    std::map<uintptr_t, size_t> allocations;

    // Whether [address, address + bytes) lies in one allocation.
    bool holds(uintptr_t address, size_t bytes)
    {
        auto after = allocations.upper_bound(address);
        if (after == allocations.begin())
        {
            return false;
        }
        auto [start, size] = *--after;
        return address - start <= size && bytes <= size - (address - start);
    }
};

Machine machine;
thread_local void* current = nullptr;
char context, stream;

Result ready()
{
    return !machine.initialized ? kNotInitialized : current != &context || machine.retained == 0 ? kInvalidContext : kSuccess;
}

// Shared memory of a block: "Technical Specifications per Compute Capability" of the CUDA programming guide.
size_t most_shared()
{
    switch (machine.capability)
    {
        case 80:
        case 87:
            return 163 * 1024;
        case 86:
        case 89:
        case 120:
            return 99 * 1024;
        default:
            return icc_host::kMostDynamic;
    }
}

Result fits(uint64_t address, size_t bytes)
{
    std::lock_guard hold(machine.lock);
    Result state = ready();
    return state != kSuccess ? state : machine.holds(address, bytes) ? kSuccess : kInvalidValue;
}
} // namespace

namespace icc_host
{
namespace
{
std::vector<KernelEntry>& registered()
{
    static std::vector<KernelEntry> entries; // made by whichever source registers first
    return entries;
}
} // namespace

Kernels::Kernels(std::initializer_list<KernelEntry> entries) { registered().insert(registered().end(), entries); }

const std::vector<KernelEntry>& kernels() { return registered(); }
} // namespace icc_host

#pragma GCC visibility push(default)
extern "C"
{
void icc_host_set(const char* what, long long value)
{
    std::lock_guard hold(machine.lock);
    std::string name = what;
    if (name == "devices") { machine.devices = (int)value; }
    if (name == "capability") { machine.capability = (int)value; }
    if (name == "memory") { machine.memory = (size_t)value; }
    if (name == "ptx") { machine.ptx = (int)value; }
    if (name == "failing") { machine.failing = value != 0; }
    if (name == "wrong-wgmma") { icc_host::pretend_wrong_wgmma(value != 0); }
}

Result cuInit(unsigned flags)
{
    std::lock_guard hold(machine.lock);
    machine.initialized = machine.devices > 0;
    return flags != 0 ? kInvalidValue : machine.initialized ? kSuccess : kNoDevice;
}

Result cuDriverGetVersion(int* version)
{
    *version = 12040;
    return kSuccess;
}

Result cuDeviceGetCount(int* count)
{
    *count = machine.devices;
    return machine.initialized ? kSuccess : kNotInitialized;
}

Result cuDeviceGet(int* device, int ordinal)
{
    *device = ordinal;
    return ordinal >= 0 && ordinal < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuDeviceGetName(char* name, int length, int device)
{
    snprintf(name, (size_t)length, "processor that stands for a GPU");
    return device < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuDeviceTotalMem_v2(size_t* bytes, int device)
{
    *bytes = machine.memory;
    return device < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuDeviceGetAttribute(int* value, int attribute, int device)
{
    *value = attribute == kCapabilityMajor ? machine.capability / 10
        : attribute == kCapabilityMinor ? machine.capability % 10
        : attribute == kMultiprocessors ? 132 : -1;
    return *value < 0 ? kInvalidValue : device < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuDevicePrimaryCtxRetain(void** result, int device)
{
    std::lock_guard hold(machine.lock);
    machine.retained++;
    *result = &context;
    return device < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuDevicePrimaryCtxRelease_v2(int)
{
    std::lock_guard hold(machine.lock);
    if (machine.retained == 0)
    {
        return kInvalidContext;
    }
    if (--machine.retained == 0)
    {
        for (auto [address, bytes] : machine.allocations)
        {
            icc_host::check_freed(address);
            free(reinterpret_cast<void*>(address));
        }
        machine.allocations.clear();
        machine.used = 0;
    }
    return kSuccess;
}

Result cuCtxSetCurrent(void* given)
{
    current = given;
    return given == &context ? kSuccess : kInvalidContext;
}

Result cuMemGetInfo_v2(size_t* available, size_t* total)
{
    std::lock_guard hold(machine.lock);
    *total = machine.memory;
    *available = machine.memory > machine.used ? machine.memory - machine.used : 0;
    return ready();
}

Result cuMemAlloc_v2(uint64_t* address, size_t bytes)
{
    std::lock_guard hold(machine.lock);
    if (Result state = ready(); state != kSuccess || bytes == 0)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    void* memory = machine.used + bytes > machine.memory ? nullptr : aligned_alloc(256, (bytes + 255) / 256 * 256 + (icc_host::checking() ? kGap : 0));
    if (!memory)
    {
        return kOutOfMemory;
    }
    memset(memory, 0xff, bytes < kPoisoned ? bytes : kPoisoned);
    *address = reinterpret_cast<uintptr_t>(memory);
    machine.allocations[*address] = bytes;
    icc_host::check_allocated(*address, bytes);
    machine.used += bytes;
    return kSuccess;
}

Result cuMemFree_v2(uint64_t address)
{
    std::lock_guard hold(machine.lock);
    auto found = machine.allocations.find(address);
    if (Result state = ready(); state != kSuccess || found == machine.allocations.end())
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    machine.used -= found->second;
    machine.allocations.erase(found);
    icc_host::check_freed(address);
    free(reinterpret_cast<void*>(address));
    return kSuccess;
}

Result cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void*)
{
    Result state = fits(to, bytes);
    if (state == kSuccess)
    {
        memcpy(reinterpret_cast<void*>(to), from, bytes);
    }
    return state;
}

Result cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void*)
{
    Result state = fits(from, bytes);
    if (state == kSuccess)
    {
        memcpy(to, reinterpret_cast<void*>(from), bytes);
    }
    return state;
}

Result cuMemsetD32Async(uint64_t to, unsigned value, size_t count, void*)
{
    Result state = to % 4 == 0 ? fits(to, 4 * count) : kInvalidValue;
    unsigned* words = reinterpret_cast<unsigned*>(to);
    for (size_t i = 0; state == kSuccess && i < count; i++)
    {
        words[i] = value;
    }
    return state;
}

Result cuModuleLoadDataEx(void** result, const void* image, unsigned, const int*, void**)
{
    if (Result state = ready(); state != kSuccess)
    {
        return state;
    }
    auto module = std::make_unique<Module>();
    if (!module->ptx.parse(static_cast<const char*>(image)))
    {
        return kInvalidPtx;
    }
    for (const icc_host::KernelEntry& kernel : icc_host::kernels())
    {
        auto entry = module->ptx.entries.find(kernel.name);
        if (entry == module->ptx.entries.end())
        {
            continue;
        }
        auto [_, declared] = *entry;
        if (!std::equal(declared.sizes.begin(), declared.sizes.end(), kernel.sizes.begin(), kernel.sizes.end()) || declared.shared > kMostShared)
        {
            return kInvalidPtx;
        }
        module->functions[entry->first] = {&kernel, declared.shared, kMostShared - declared.shared};
    }
    if (module->ptx.version > machine.ptx || module->ptx.target > machine.capability
        || (module->ptx.one && module->ptx.target != machine.capability))
    {
        return module->ptx.version > machine.ptx ? kUnsupportedPtxVersion : kNoBinaryForGpu;
    }
    *result = module.release();
    return kSuccess;
}

Result cuModuleUnload(void* module)
{
    delete static_cast<Module*>(module);
    return ready();
}

Result cuModuleGetFunction(void** result, void* module, const char* name)
{
    auto& functions = static_cast<Module*>(module)->functions;
    auto found = functions.find(std::string_view(name));
    *result = found == functions.end() ? nullptr : &found->second;
    return *result ? ready() : kNotFound;
}

Result cuFuncSetAttribute(void* given, int attribute, int value)
{
    auto function = static_cast<Function*>(given);
    if (attribute != kMostDynamicShared || value < 0 || function->shared + (size_t)value > most_shared())
    {
        return kInvalidValue;
    }
    function->dynamic = (size_t)value;
    return ready();
}

Result cuStreamCreate(void** result, unsigned)
{
    *result = &stream;
    return ready();
}

Result cuStreamSynchronize(void* given) { return given == &stream ? ready() : kInvalidHandle; }

Result cuStreamDestroy_v2(void* given) { return given == &stream ? ready() : kInvalidHandle; }

Result cuLaunchKernel(
    void* function, unsigned blocksX, unsigned blocksY, unsigned blocksZ, unsigned threadsX, unsigned threadsY, unsigned threadsZ,
    unsigned shared, void* given, void** parameters, void** extra)
{
    Result state = given == &stream && function ? ready() : kInvalidHandle;
    if (state != kSuccess || machine.failing)
    {
        return state != kSuccess ? state : kLaunchFailed;
    }
    if (blocksX < 1 || blocksX > 0x7fffffff || blocksY < 1 || blocksY > 65535 || blocksZ < 1 || blocksZ > 65535 || threadsX < 1
        || threadsX > 1024 || threadsY != 1 || threadsZ != 1 || shared > static_cast<Function*>(function)->dynamic || extra)
    {
        return kInvalidValue;
    }
    using icc_host::place;
    place.threads = {threadsX, 1, 1};
    place.blocks = {blocksX, blocksY, blocksZ};
    place.shared = shared;
    icc_host::check_launch();
    icc_host::Kernel kernel{static_cast<Function*>(function)->kernel->run, parameters};
    for (unsigned z = 0; z < blocksZ; z++)
    {
        for (unsigned y = 0; y < blocksY; y++)
        {
            for (unsigned x = 0; x < blocksX; x++)
            {
                place.block = {x, y, z};
                place.thread = {0, 0, 0};
                if (!icc_host::run_block(kernel))
                {
                    return icc_host::check_report().empty() ? kLaunchFailed : kWrongAccess;
                }
            }
        }
    }
    return kSuccess;
}

Result cuGetErrorName(Result result, const char** name)
{
    static const std::map<int, const char*> names{
        {kInvalidValue, "CUDA_ERROR_INVALID_VALUE"},
        {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
        {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED"},
        {kNoDevice, "CUDA_ERROR_NO_DEVICE"},
        {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE"},
        {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
        {kNoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
        {kInvalidPtx, "CUDA_ERROR_INVALID_PTX"},
        {kUnsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
        {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE"},
        {kNotFound, "CUDA_ERROR_NOT_FOUND"},
        {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"},
    };
    static thread_local std::string wrong;
    if (result == kWrongAccess)
    {
        wrong = icc_host::check_report();
        *name = wrong.c_str();
        return kSuccess;
    }
    auto found = names.find(result);
    *name = found == names.end() ? nullptr : found->second;
    return *name ? kSuccess : kInvalidValue;
}
}
#pragma GCC visibility pop
