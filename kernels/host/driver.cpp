// The entry points of the CUDA driver that the backend calls, over kernels that run on the processor: devices, contexts and modules here,
// memory in memory.cpp, streams and graphs in stream.cpp. It is stricter than a device where it can be: handles, bounds of copies, limits
// of a launch and the parameters of a kernel are checked, and new memory is full of NaN. icc_host_set changes what the machine pretends
// to be, so that every error can be provoked; icc_host_get tells what was taken of it and done.
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
#include "machine.h"
#include "ptx.h"
#include "sanitizer.h"
#include "shared_arrays.h"

using namespace icc_host;

namespace
{
enum Attribute
{
    kMultiprocessors = 16,
    kCapabilityMajor = 75,
    kCapabilityMinor = 76,
    kVirtualMemory = 102,
    kMemoryPools = 115,
};

enum FunctionAttribute
{
    kMostDynamicShared = 8,
};

enum JitOption
{
    kErrorLog = 5,
    kErrorLogBytes = 6,
};

constexpr size_t kContext = 1024;         // bytes that must be there for a context; it takes none
constexpr size_t kMostShared = 48 * 1024; // unless the kernel was allowed more

struct Module
{
    Ptx ptx;
    std::map<std::string, Function, std::less<>> functions;
};

thread_local std::string wrong; // what the checks of kernels had to say

// What the compiler has to say, into the buffer of the caller, which says how large it is.
void write_log(unsigned count, const int* options, void** values, const char* text)
{
    char* log = nullptr;
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
    {
        log = options[i] == kErrorLog ? static_cast<char*>(values[i]) : log;
        bytes = options[i] == kErrorLogBytes ? (size_t)(unsigned)reinterpret_cast<uintptr_t>(values[i]) : bytes;
    }
    if (log && bytes > 0)
    {
        snprintf(log, bytes, "%s", text);
    }
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
        case 121:
            return 99 * 1024;
        default:
            return kMostDynamic;
    }
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
    if (name == "multiprocessors") { machine.multiprocessors = (int)value; }
    if (name == "memory") { machine.memory = (size_t)value; }
    if (name == "ptx") { machine.ptx = (int)value; }
    if (name == "failing") { machine.failing = value != 0; }
    if (name == "wrong-wgmma") { icc_host::pretend_wrong_wgmma(value != 0); }
    if (name == "lazy") { machine.lazy = value != 0; }
    if (name == "life") { machine.life = (long)value; }
    if (name == "missing") { machine.missing = (int)value; }
    if (name == "busy") { machine.busy = value != 0; }
    if (name == "cublas") { machine.cublas = (int)value; }
    if (name == "compiler") { machine.compiler = value != 0; }
}

long long icc_host_get(const char* what)
{
    std::lock_guard hold(machine.lock);
    std::string name = what;
    return name == "used" ? (long long)machine.used
        : name == "allocations" ? (long long)machine.allocations.size()
        : name == "pinned" ? (long long)machine.pinned.size()
        : name == "reserved" ? (long long)machine.reserved.size()
        : name == "events" ? machine.events.load()
        : name == "retained" ? machine.retained
        : name == "early" ? machine.early.load()
        : name == "waits" ? machine.waits.load()
        : name == "launches" ? machine.launches.load()
        : name == "graphs" ? machine.graphs.load() : -1;
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
        : attribute == kMultiprocessors ? machine.multiprocessors
        : attribute == kVirtualMemory || attribute == kMemoryPools ? machine.missing != attribute : -1;
    return *value < 0 ? kInvalidValue : device < machine.devices ? kSuccess : kInvalidDevice;
}

Result cuDevicePrimaryCtxRetain(void** result, int device)
{
    std::lock_guard hold(machine.lock);
    if (device >= machine.devices)
    {
        return kInvalidDevice;
    }
    if (machine.busy || machine.used + kContext > machine.memory)
    {
        return machine.busy ? kUnavailable : kOutOfMemory;
    }
    machine.retained++;
    machine.active = true;
    *result = &context;
    return kSuccess;
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
        machine.clear();
    }
    return kSuccess;
}

Result cuDevicePrimaryCtxReset_v2(int)
{
    std::lock_guard hold(machine.lock);
    machine.clear(); // who retained it has still to release it
    return kSuccess;
}

Result cuCtxSetCurrent(void* given)
{
    enter(given);
    return given == &context || !given ? kSuccess : kInvalidContext;
}

Result cuModuleLoadDataEx(void** result, const void* image, unsigned count, const int* options, void** values)
{
    if (Result state = ready(); state != kSuccess)
    {
        return state;
    }
    if (!machine.compiler)
    {
        return kNoJitCompiler;
    }
    auto module = std::make_unique<Module>();
    if (!module->ptx.parse(static_cast<const char*>(image)))
    {
        write_log(count, options, values, "ptxas application ptx input, line 1; fatal   : Missing .version directive at start of file\nptxas fatal   : Ptx assembly aborted due to errors");
        return kInvalidPtx;
    }
    for (const KernelEntry& kernel : kernels())
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
    std::unique_lock hold(machine.lock);
    machine.give_back();
    hold.unlock();
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

Result cuGetErrorName(Result result, const char** name)
{
    static const std::map<int, const char*> names{
        {kInvalidValue, "CUDA_ERROR_INVALID_VALUE"},
        {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
        {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED"},
        {kUnavailable, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
        {kNoDevice, "CUDA_ERROR_NO_DEVICE"},
        {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE"},
        {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
        {kNoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
        {kInvalidPtx, "CUDA_ERROR_INVALID_PTX"},
        {kNoJitCompiler, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND"},
        {kUnsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
        {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE"},
        {kNotFound, "CUDA_ERROR_NOT_FOUND"},
        {kNotReady, "CUDA_ERROR_NOT_READY"},
        {kOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
        {kContextIsDestroyed, "CUDA_ERROR_CONTEXT_IS_DESTROYED"},
        {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"},
    };
    if (result == kWrongAccess)
    {
        wrong = check_report() + sanitizer_report();
        *name = wrong.c_str();
        return kSuccess;
    }
    auto found = names.find(result);
    *name = found == names.end() ? nullptr : found->second;
    return *name ? kSuccess : kInvalidValue;
}
}
#pragma GCC visibility pop
