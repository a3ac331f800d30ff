// The compiler makes kernels call a function before each load and store (-fsanitize=thread); the functions are those at the end of this
// file instead of the sanitizer's own.
//
// Time is a count of barriers in the whole process; the epoch in a report counts those of the block. A word of memory remembers its last
// accesses with their times; two accesses by different threads have an order where a launch, or a barrier of their block, lies between, or
// where orders.h knows of one.
#include "checker.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "fibers.h"
#include "shared_arrays.h"

namespace icc_host
{
namespace
{
constexpr size_t kWordBytes = 4;

// Who touched which bytes of a word, and when.
struct Access
{
    uint64_t time : 49 = 0;
    uint64_t bytes : 4 = 0;   // a bit each
    uint64_t thread : 11 = 0; // an actor of orders.h
};

// The last accesses by two different threads: enough to find one that is not the own.
struct Word
{
    Access writes[2];
    Access reads[2];
};

using Words = std::unique_ptr<Word[], decltype(&free)>;

Words words_of(size_t bytes)
{
    // Zeros that take no memory until they are used.
    auto words = static_cast<Word*>(calloc(bytes / kWordBytes + 1, sizeof(Word)));
    if (!words)
    {
        fputs("no memory for the accesses of kernels\n", stderr);
        abort();
    }
    return {words, free};
}

struct Allocation
{
    MemoryRange range;
    Word* words = nullptr;
};

std::atomic<uint64_t> now{1};
bool reporting = false; // set by the kernels' own initialisation
std::mutex lock;
std::map<uintptr_t, std::pair<size_t, Words>> allocations;

enum class Wrong
{
    nothing,
    outside,
    misaligned,
    race,
};

struct Finding
{
    Wrong what = Wrong::nothing;
    uintptr_t address;
    size_t bytes;
    bool writes;
    unsigned actor;
    uint3 block;
    int barriers;
    bool otherWrites;
    bool otherBlock;
    unsigned other;
};

struct Checker
{
    // Memory that kernels use unchecked: the built-in variables, and what the fibers have.
    const Place& place = icc_host::place;
    FiberMemory fibers = fiber_memory();
    MemoryRange shared = shared_memory();
    Words sharedWords = words_of(shared.bytes);
    std::vector<int> owners;      // the array that a word of shared memory belongs to; -1 between arrays
    std::vector<uint64_t> filled; // of each array: the block that last found it
    Allocation known[4];          // that the launch met last
    unsigned next = 0;
    uint64_t launch = 0, block = 0; // when each began
    Orders orders;
    int barriers = 0;                         // of the block
    Finding found;

    Checker()
    {
        owners.resize(shared.bytes / kWordBytes + 1, -1);
        filled.resize(shared_arrays().size());
        for (size_t a = 0; a < filled.size(); a++)
        {
            MemoryRange array = shared_arrays()[a].place;
            for (size_t w = array.start / kWordBytes; w * kWordBytes < array.start + array.bytes; w++)
            {
                owners[w] = (int)a;
            }
        }
    }

    [[noreturn]] void stop(
        Wrong what, uintptr_t address, size_t bytes, bool writes, unsigned actor, const Access& other = {}, bool otherWrites = false)
    {
        found = {what, address, bytes, writes, actor, place.block, barriers, otherWrites,
            other.time < block, (unsigned)other.thread};
        give_up_block();
    }

    // Stops where an access that has no order with this one touched the same bytes. What was before `start` is of no concern.
    void meet(const Access (&others)[2], bool theyWrite, const Access& self, bool writes, uint64_t start, uintptr_t address, size_t bytes)
    {
        for (const Access& other : others)
        {
            bool ordered = other.time < start || (other.time >= block && orders.before(other.time, other.thread, self.thread));
            if (!ordered && (other.bytes & self.bytes))
            {
                stop(Wrong::race, address, bytes, writes, self.thread, other, theyWrite);
            }
        }
    }

    static void remember(Access (&accesses)[2], Access self)
    {
        bool second = accesses[1].thread == self.thread || (accesses[0].thread != self.thread && accesses[1].time < accesses[0].time);
        Access& mine = accesses[second];
        if (mine.thread == self.thread && mine.time == self.time)
        {
            self.bytes |= mine.bytes;
        }
        mine = self;
    }

    // Notes an access to memory that begins at `start`, by an actor at a time.
    void note(
        Word* words, uintptr_t start, uintptr_t address, size_t bytes, bool writes, uint64_t since, unsigned actor, uint64_t time)
    {
        for (size_t end = address - start + bytes, at = address - start; at < end;)
        {
            size_t first = at % kWordBytes, count = kWordBytes - first < end - at ? kWordBytes - first : end - at;
            Access self;
            self.time = time;
            self.bytes = ((1u << count) - 1) << first;
            self.thread = actor;
            Word& word = words[at / kWordBytes];
            meet(word.writes, true, self, writes, since, address, bytes);
            if (writes)
            {
                meet(word.reads, false, self, writes, since, address, bytes);
            }
            remember(writes ? word.writes : word.reads, self);
            at += count;
        }
    }

    // The allocation that begins at the address or before.
    const Allocation* find(uintptr_t address)
    {
        for (const Allocation& allocation : known)
        {
            if (allocation.range.holds(address))
            {
                return &allocation;
            }
        }
        std::lock_guard hold(lock);
        auto after = allocations.upper_bound(address);
        if (after == allocations.begin())
        {
            return nullptr;
        }
        const auto& [start, found] = *--after;
        Allocation& met = known[next++ % 4];
        met = {{start, found.first}, found.second.get()};
        return &met;
    }

    void touch(const void* pointer, size_t bytes, bool writes, bool aligned)
    {
        touch(pointer, bytes, writes, aligned, place.thread.x, orders.time_of(place.thread.x));
    }

    void touch(const void* pointer, size_t bytes, bool writes, bool aligned, unsigned actor, uint64_t time)
    {
        auto address = reinterpret_cast<uintptr_t>(pointer);
        if (address - reinterpret_cast<uintptr_t>(&place) < sizeof(Place) || fibers.state.holds(address) || fibers.stacks.holds(address))
        {
            return;
        }
        bool inShared = shared.holds(address);
        int array = inShared ? owners[(address - shared.start) / kWordBytes] : -1;
        const Allocation* allocation = inShared ? nullptr : find(address);
        if (inShared ? array < 0 || !room_of(array).holds(address - shared.start, bytes)
            : !allocation || !allocation->range.holds(address, bytes))
        {
            stop(Wrong::outside, address, bytes, writes, actor);
        }
        if (aligned && address % bytes != 0)
        {
            stop(Wrong::misaligned, address, bytes, writes, actor);
        }
        if (!inShared)
        {
            note(allocation->words, allocation->range.start, address, bytes, writes, launch, actor, time);
            return;
        }
        if (filled[array] != block)
        {
            filled[array] = block;
            MemoryRange room = room_of(array);
            memset(reinterpret_cast<void*>(shared.start + room.start), 0xff, room.bytes);
        }
        note(sharedWords.get(), shared.start, address, bytes, writes, block, actor, time);
        if (writes && shared_arrays()[array].dynamic)
        {
            hide_from_products((unsigned)(address - shared.start - shared_arrays()[array].place.start), bytes);
        }
    }

    // "thread 3", or what wgmma does for it.
    std::string name_of(unsigned actor) const
    {
        bool product = actor >= place.threads.x;
        return (product ? "wgmma of thread " : "thread ") + std::to_string(actor - (product ? place.threads.x : 0));
    }

    // An array of shared memory as the launch has it.
    MemoryRange room_of(int array)
    {
        const SharedArray& known = shared_arrays()[array];
        return {known.place.start, known.dynamic ? place.shared : known.place.bytes};
    }

    // "at byte 128 of the shared array tokens of 8320 bytes"; beyond its end where nothing is.
    std::string where(uintptr_t address)
    {
        char text[200];
        auto describe = [&](const char* kind, const char* name, MemoryRange range, uintptr_t at)
        {
            snprintf(text, sizeof text, "at byte %zu of the %s%s of %zu bytes", (size_t)(at - range.start), kind, name, range.bytes);
        };
        snprintf(text, sizeof text, "before all memory that is allocated");
        if (shared.holds(address))
        {
            for (size_t a = 0; a < filled.size() && shared_arrays()[a].place.start <= address - shared.start; a++)
            {
                describe("shared array ", shared_arrays()[a].name.c_str(), room_of((int)a), address - shared.start);
            }
        }
        else if (const Allocation* allocation = find(address))
        {
            describe("allocation", "", allocation->range, address);
        }
        return text;
    }

    std::string report()
    {
        if (found.what == Wrong::nothing)
        {
            return "";
        }
        char text[600];
        snprintf(text, sizeof text, "%s: %s of block (%u, %u, %u) %s %zu bytes %s in epoch %d of the block",
            found.what == Wrong::race ? "race" : found.what == Wrong::outside ? "access outside of memory" : "misaligned access",
            name_of(found.actor).c_str(), found.block.x, found.block.y, found.block.z, found.writes ? "writes" : "reads", found.bytes, where(found.address).c_str(),
            found.barriers);
        std::string line = text;
        if (found.what == Wrong::race)
        {
            snprintf(text, sizeof text, ", which %s of %s %s with no barrier between", name_of(found.other).c_str(),
                found.otherBlock ? "another block" : "the same block", found.otherWrites ? "wrote" : "read");
            line += text;
        }
        return line;
    }
};

thread_local std::unique_ptr<Checker> owner;
thread_local constinit Checker* checker = nullptr;

void touch(const void* pointer, size_t bytes, bool writes, bool aligned)
{
    // Kernels run on the stacks of fibers; what else calls was compiled with them, as functions of the standard library are.
    if (checker && checker->fibers.stacks.holds(reinterpret_cast<uintptr_t>(__builtin_frame_address(0))))
    {
        checker->touch(pointer, bytes, writes, aligned);
    }
}
} // namespace

bool checking() { return reporting; }

void check_allocated(uintptr_t address, size_t bytes)
{
    if (reporting)
    {
        std::lock_guard hold(lock);
        allocations.insert_or_assign(address, std::pair(bytes, words_of(bytes)));
    }
}

void check_freed(uintptr_t address)
{
    std::lock_guard hold(lock);
    allocations.erase(address);
}

void check_launch()
{
    if (!reporting)
    {
        return;
    }
    if (!checker)
    {
        owner = std::make_unique<Checker>();
        checker = owner.get();
    }
    Checker& c = *checker;
    for (Allocation& allocation : c.known)
    {
        allocation = {};
    }
    c.found = {};
    c.launch = ++now;
}

void check_block()
{
    if (reporting)
    {
        checker->block = ++now;
        checker->orders.all_meet(checker->block);
        checker->barriers = 0;
    }
}

void check_barrier()
{
    if (reporting)
    {
        checker->orders.all_meet(++now);
        checker->barriers++;
    }
}

void check_touch(const void* pointer, size_t bytes, bool writes) { touch(pointer, bytes, writes, true); }

void check_tell(Knowledge& board)
{
    if (reporting)
    {
        checker->orders.tell(place.thread.x, board, ++now);
    }
}

void check_learn(const Knowledge& board)
{
    if (reporting)
    {
        checker->orders.learn(place.thread.x, board);
    }
}

uint64_t check_product_begins()
{
    if (!reporting)
    {
        return 0;
    }
    unsigned actor = place.threads.x + place.thread.x;
    checker->orders.begin_product(place.thread.x, actor, ++now);
    return checker->orders.time_of(actor);
}

void check_product_reads(const void* pointer, size_t bytes, uint64_t time)
{
    if (checker)
    {
        uint64_t floor = checker->orders.floor();
        checker->touch(pointer, bytes, false, true, place.threads.x + place.thread.x, time > floor ? time : floor);
    }
}

void check_products_committed()
{
    if (reporting)
    {
        Knowledge nobody;
        checker->orders.tell(place.threads.x + place.thread.x, nobody, ++now);
    }
}

void check_product_ends(unsigned thread, unsigned of, uint64_t time)
{
    if (reporting)
    {
        uint64_t floor = checker->orders.floor();
        checker->orders.learn(thread, place.threads.x + of, time > floor ? time : floor);
    }
}

std::string check_report() { return checker ? checker->report() : ""; }
} // namespace icc_host

// What the compiler calls.
#define ACCESS(bytes)                                                                                        \
    void __tsan_read##bytes(void* p) { icc_host::touch(p, bytes, false, true); }                             \
    void __tsan_write##bytes(void* p) { icc_host::touch(p, bytes, true, true); }                             \
    void __tsan_unaligned_read##bytes(void* p) { icc_host::touch(p, bytes, false, false); }                  \
    void __tsan_unaligned_write##bytes(void* p) { icc_host::touch(p, bytes, true, false); }                  \
    void __tsan_volatile_read##bytes(void* p) { icc_host::touch(p, bytes, false, true); }                    \
    void __tsan_volatile_write##bytes(void* p) { icc_host::touch(p, bytes, true, true); }

extern "C"
{
void __tsan_init() { icc_host::reporting = true; }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_read_range(void* p, size_t bytes) { icc_host::touch(p, bytes, false, false); }
void __tsan_write_range(void* p, size_t bytes) { icc_host::touch(p, bytes, true, false); }

void* __tsan_memcpy(void* to, const void* from, size_t bytes)
{
    icc_host::touch(from, bytes, false, false);
    icc_host::touch(to, bytes, true, false);
    return memcpy(to, from, bytes);
}

void* __tsan_memset(void* to, int value, size_t bytes)
{
    icc_host::touch(to, bytes, true, false);
    return memset(to, value, bytes);
}

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
}
