// Barriers in shared memory, and of a part of the block, on the processor. A wait ends as late as it may: all others have come as far as they can. For the checker what
// the threads did that arrived in a phase happened before what those do who waited for it.
#include "mbarrier.h"

#include <map>

#include "checker.h"
#include "fibers.h"

namespace
{
constexpr int kGroup = 128;                                   // threads
constexpr int kMostRegisters = 512, kLeast = 24, kMost = 256; // of four warps, a thread each; of a thread
constexpr int kMostNumber = 15;                               // of a named barrier

struct Barrier
{
    int arrivals, missing;
    int phase = 0;
    icc_host::Knowledge gathered, known; // of those who arrived in this phase, and in the one before

    void arrive()
    {
        icc_host::check_tell(gathered);
        if (--missing == 0)
        {
            missing = arrivals;
            phase++;
            known = std::move(gathered);
            gathered.clear();
            icc_host::progressed();
        }
    }

    // Until a phase of this parity is over, as late as it may.
    void wait(int parity) const
    {
        struct Wait
        {
            const Barrier& barrier;
            int parity;
        } what{*this, parity & 1};
        icc_host::wait_until([](const void* given)
        {
            auto wanted = static_cast<const Wait*>(given);
            return wanted->barrier.phase % 2 != wanted->parity;
        }, &what);
        icc_host::check_learn(known);
    }
};

thread_local std::map<const MBarrier*, Barrier> barriers;
thread_local std::map<int, Barrier> named;
thread_local std::map<int, int> registers; // by warpgroup

Barrier& find(const MBarrier& barrier)
{
    icc_host::check_touch(&barrier, sizeof(MBarrier), false);
    auto found = barriers.find(&barrier);
    if (found == barriers.end())
    {
        icc_host::give_up_block();
    }
    return found->second;
}

Barrier& find_named(int number, int threads)
{
    Barrier& barrier = named.try_emplace(number, Barrier{threads, threads}).first->second;
    if (number < 1 || number > kMostNumber || threads % 32 != 0 || barrier.arrivals != threads)
    {
        icc_host::give_up_block();
    }
    return barrier;
}
} // namespace

namespace icc_host
{
void forget_mbarriers()
{
    barriers.clear();
    named.clear();
    registers.clear();
}

void set_registers(int count)
{
    meet_warpgroup([](int first, int wanted)
    {
        registers[first / kGroup] = wanted;
        int all = 0;
        for (auto [_, each] : registers)
        {
            all += each;
        }
        if (wanted % 8 != 0 || wanted < kLeast || wanted > kMost || all > kMostRegisters)
        {
            give_up_block();
        }
    }, count);
}
} // namespace icc_host

void mbarrier_init(MBarrier& barrier, int arrivals)
{
    icc_host::check_touch(&barrier, sizeof(MBarrier), true);
    if (arrivals < 1)
    {
        icc_host::give_up_block();
    }
    barriers[&barrier] = {arrivals, arrivals};
}

void mbarrier_arrive(MBarrier& barrier) { find(barrier).arrive(); }

void mbarrier_wait(MBarrier& barrier, int parity) { find(barrier).wait(parity); }

void named_barrier(int number, int threads)
{
    Barrier& barrier = find_named(number, threads);
    int phase = barrier.phase;
    barrier.arrive();
    barrier.wait(phase);
}

void named_barrier_arrive(int number, int threads) { find_named(number, threads).arrive(); }
