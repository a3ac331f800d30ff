// The machine that the library pretends to be: what it has, what was taken of it, and what waits on its streams.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "kernels.h"

namespace icc_host
{
enum Result
{
    kSuccess = 0,
    kInvalidValue = 1,
    kOutOfMemory = 2,
    kNotInitialized = 3,
    kUnavailable = 46,
    kNoDevice = 100,
    kInvalidDevice = 101,
    kInvalidContext = 201,
    kNoBinaryForGpu = 209,
    kInvalidPtx = 218,
    kNoJitCompiler = 221,
    kUnsupportedPtxVersion = 222,
    kInvalidHandle = 400,
    kNotFound = 500,
    kNotReady = 600,
    kOutOfResources = 701,
    kContextIsDestroyed = 709,
    kLaunchFailed = 719,
    kWrongAccess = 10000, // no number of CUDA's; its name is what the checker has to say
};

struct Function
{
    const KernelEntry* kernel;
    size_t shared = 0;  // bytes of its own arrays
    size_t dynamic = 0; // most bytes that a launch may add
};

// What was put on a stream is done at once, or, where the machine is lazy, when somebody waits: then whatever a copy or a kernel reads
// must still be there and unchanged.
struct Stream
{
    std::mutex lock;
    std::deque<std::function<Result()>> waiting;

    std::atomic<size_t> waits; // how much is in `waiting`
    std::atomic<bool> gone;    // with its context, and what was put on it

    Result put(std::function<Result()> work);
    Result finish();
};

// Memory that was made to be mapped; it lives as long as its handle or a mapping.
struct Physical
{
    size_t bytes;

    explicit Physical(size_t size);
    ~Physical();
};

struct Machine
{
    std::mutex lock;
    bool initialized = false;
    int devices = 1;
    int capability = 90;
    int multiprocessors = 132;
    size_t memory = size_t(16) << 30;
    size_t used = 0;
    int ptx = 85;               // newest version that the driver knows
    int missing = 0;            // an attribute of the device that is 0
    bool failing = false;       // launches fail
    bool busy = false;          // another process has it for itself
    bool compiler = true;       // for PTX
    int cublas = 0;             // its status where it is not to multiply; -1: what it gives is wrong
    std::atomic<bool> lazy;     // work waits until somebody waits for it
    std::atomic<long> life{-1}; // calls until the device is lost; -1: for ever
    std::atomic<bool> lost;
    int retained = 0;
    bool active = false; // the context is there: it was retained, and not reset since
    std::map<uintptr_t, size_t> allocations; // mappings included
    std::map<uintptr_t, std::shared_ptr<Physical>> mappings;
    std::map<uint64_t, std::shared_ptr<Physical>> handles;
    std::map<uintptr_t, size_t> pinned;      // memory of the host
    std::map<uintptr_t, size_t> reserved;    // addresses
    std::set<void*> streams;
    std::atomic<long long> waits, launches, graphs, events;
    std::atomic<long long> early; // what work that waited was still to use, given back

    // Something is given back that work on a stream may need: nothing may wait there.
    void give_back();

    // Whether [address, address + bytes) lies in one allocation, or in mappings that follow one another.
    bool holds(uintptr_t address, size_t bytes) const;
    bool is_pinned(uintptr_t address, size_t bytes) const;

    // The context is gone, and all that was in it. Memory that is mapped by hand belongs to the process, and stays.
    void clear();
};

extern Machine machine;
extern char context;

// Makes a context the calling thread's, or none.
void enter(void* given);

// Whether the calling thread may use the context.
Result ready();

// Likewise for what the device has to do; it may be lost at this very call.
Result working();

// Likewise on a stream that there is.
Result working(void* stream);

// The same for what needs no context.
Result processing();

// Likewise with memory of the device that is there.
Result fits(uint64_t address, size_t bytes);
} // namespace icc_host
