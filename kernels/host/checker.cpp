#include "checker.h"

#include <link.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "icc_cuda.h"

namespace icc_host
{
namespace
{
struct Range
{
    uintptr_t begin = 0, end = 0;

    bool holds(uintptr_t address, size_t bytes) const { return address - begin < end - begin && bytes <= end - address; }
};

constexpr int kNobody = -1;
constexpr int kSeveral = -2;

// Who touched a word of shared memory since the last barrier.
struct Word
{
    unsigned epoch = 0;
    short writer = kNobody;
    short reader = kNobody;
};

struct Watch
{
    std::mutex lock;
    unsigned epoch = 0;
    Range shared; // the thread-local memory of this library, where __shared__ variables are
    Range stacks, host;
    Range known[4]; // allocations that were met lately
    int next = 0;
    std::vector<Word> words;
};

bool watching = false; // whether the compiler reports accesses
Watch watch;

int find_thread_local(dl_phdr_info* info, size_t, void* result)
{
    bool own = false;
    size_t bytes = 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
    {
        const auto& segment = info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        own |= segment.p_type == PT_LOAD && reinterpret_cast<uintptr_t>(&find_thread_local) - begin < segment.p_memsz;
        bytes = segment.p_type == PT_TLS ? segment.p_memsz : bytes;
    }
    if (own)
    {
        auto begin = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
        *static_cast<Range*>(result) = {begin, begin + bytes};
    }
    return own;
}

void touch_shared(uintptr_t address, size_t bytes, bool write)
{
    short self = (short)place.thread.x;
    size_t first = (address - watch.shared.begin) / 4, last = (address + bytes - 1 - watch.shared.begin) / 4;
    for (size_t w = first; w <= last; w++)
    {
        Word& word = watch.words[w];
        if (word.epoch != watch.epoch)
        {
            word = {watch.epoch, kNobody, kNobody};
        }
        bool written = word.writer != kNobody && word.writer != self;
        bool read = word.reader == kSeveral || (word.reader != kNobody && word.reader != self);
        if (written || (write && read))
        {
            fprintf(stderr, "race in shared memory: thread %d %s a word that thread %d %s\n", self, write ? "writes" : "reads",
                written ? word.writer : word.reader, written ? "wrote" : "read");
            give_up(Fault::race);
        }
        if (write)
        {
            word.writer = self;
        }
        else
        {
            word.reader = word.reader == kNobody || word.reader == self ? self : kSeveral;
        }
    }
}

void touch(const void* pointer, size_t bytes, bool write)
{
    auto address = reinterpret_cast<uintptr_t>(pointer);
    if (watch.shared.holds(address, bytes))
    {
        touch_shared(address, bytes, write);
        return;
    }
    if (watch.stacks.holds(address, bytes))
    {
        return;
    }
    for (const Range& range : watch.known)
    {
        if (range.holds(address, bytes))
        {
            return;
        }
    }
    if (!write && watch.host.holds(address, bytes))
    {
        return;
    }
    Range found;
    if (!find_allocation(address, &found.begin, &found.end) || !found.holds(address, bytes))
    {
        fprintf(stderr, "thread %u of block (%u, %u, %u) %s %zu bytes that are not allocated\n", place.thread.x, place.block.x,
            place.block.y, place.block.z, write ? "writes" : "reads", bytes);
        give_up(Fault::address);
    }
    watch.known[watch.next++ % 4] = found;
}
} // namespace

WatchedLaunch::WatchedLaunch()
{
    if (!watching)
    {
        return;
    }
    watch.lock.lock();
    thread_local Range own;
    if (own.end == 0)
    {
        dl_iterate_phdr(find_thread_local, &own);
    }
    watch.shared = own;
    watch.words.resize((own.end - own.begin) / 4 + 1);
    for (Range& range : watch.known)
    {
        range = {}; // what is allocated may have changed
    }
}

WatchedLaunch::~WatchedLaunch()
{
    if (watching)
    {
        watch.lock.unlock();
    }
}

void watch_barrier()
{
    if (watching)
    {
        watch.epoch++;
    }
}

void watch_stacks(const void* begin, size_t bytes)
{
    if (!watching)
    {
        return;
    }
    watch.stacks = {reinterpret_cast<uintptr_t>(begin), reinterpret_cast<uintptr_t>(begin) + bytes};
}

void watch_host(const void* begin, size_t bytes)
{
    if (!watching)
    {
        return;
    }
    watch.host = {reinterpret_cast<uintptr_t>(begin), reinterpret_cast<uintptr_t>(begin) + bytes};
}
} // namespace icc_host

// What the compiler calls; hidden, so that the calls are direct and no sanitizer's functions are taken instead.
#pragma GCC visibility push(hidden)
#define ACCESS(bytes)                                                                             \
    void __tsan_read##bytes(void* p) { icc_host::touch(p, bytes, false); }                        \
    void __tsan_write##bytes(void* p) { icc_host::touch(p, bytes, true); }                        \
    void __tsan_unaligned_read##bytes(void* p) { icc_host::touch(p, bytes, false); }              \
    void __tsan_unaligned_write##bytes(void* p) { icc_host::touch(p, bytes, true); }              \
    void __tsan_volatile_read##bytes(void* p) { icc_host::touch(p, bytes, false); }               \
    void __tsan_volatile_write##bytes(void* p) { icc_host::touch(p, bytes, true); }

extern "C"
{
void __tsan_init() { icc_host::watching = true; }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_read_range(void* p, size_t bytes) { icc_host::touch(p, bytes, false); }
void __tsan_write_range(void* p, size_t bytes) { icc_host::touch(p, bytes, true); }
void* __tsan_memcpy(void* to, const void* from, size_t bytes)
{
    icc_host::touch(from, bytes, false);
    icc_host::touch(to, bytes, true);
    return memcpy(to, from, bytes);
}
void* __tsan_memset(void* to, int value, size_t bytes)
{
    icc_host::touch(to, bytes, true);
    return memset(to, value, bytes);
}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
}
#pragma GCC visibility pop
