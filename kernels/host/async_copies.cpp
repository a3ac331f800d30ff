// Copies to shared memory that end when they are waited for, and not before: until then the room is full of NaN. For the checker the
// thread that copies writes there both when it begins and when it waits. What was copied is hidden from wgmma until the thread says
// fence_proxy_async; where accesses are checked, what was stored too.
#include <cstring>
#include <vector>

#include "checker.h"
#include "fibers.h"
#include "shared_arrays.h"
#include "warpgroup.h"

namespace
{
struct Copy
{
    char* to;
    const char* from;
    int bytes;
    int group;
};

// What a thread of the block has begun; groups are numbered from 0.
struct Copies
{
    std::vector<Copy> open;
    int group = 0;
    std::vector<unsigned> hidden; // addresses in dynamic shared memory
};

thread_local std::vector<Copies> threads;
thread_local std::vector<char> hidden; // for each 16 bytes

Copies& own() { return threads[threadIdx.x]; }
} // namespace

namespace icc_host
{
void forget_copies(unsigned count)
{
    threads.assign(count, {});
    hidden.clear();
}

bool hidden_from_products(unsigned address) { return address / 16 < hidden.size() && hidden[address / 16]; }

void hide_from_products(unsigned address, size_t bytes)
{
    hidden.resize(kMostDynamic / 16 + 1);
    for (unsigned piece = address / 16; piece <= (address + bytes - 1) / 16; piece++)
    {
        hidden[piece] = true;
        own().hidden.push_back(16 * piece);
    }
}

void cp_async_wait(int pending)
{
    Copies& copies = own();
    std::erase_if(copies.open, [&](const Copy& copy)
    {
        bool ends = copy.group < copies.group - pending;
        if (ends)
        {
            check_touch(copy.to, 16, true);
            memset(copy.to, 0, 16);
            memcpy(copy.to, copy.from, (size_t)copy.bytes);
            if (unsigned address = shared_address(copy.to); address < kMostDynamic)
            {
                hide_from_products(address, 16);
            }
        }
        return ends;
    });
}
} // namespace icc_host

void cp_async_16(void* to, const void* from, int bytes)
{
    icc_host::check_touch(to, 16, true);
    if (bytes > 0)
    {
        icc_host::check_touch(from, (size_t)bytes, false);
    }
    memset(to, 0xff, 16);
    own().open.push_back({static_cast<char*>(to), static_cast<const char*>(from), bytes, own().group});
}

void fence_proxy_async()
{
    for (unsigned address : own().hidden)
    {
        hidden[address / 16] = false;
    }
    own().hidden.clear();
}

void cp_async_commit() { own().group++; }
