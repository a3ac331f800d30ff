// Fibers with a stack switch of a few instructions. A thread that never waits costs no switch: the fiber that ends goes on with the next
// thread that has not begun.
#include "fibers.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "sanitizer.h"

namespace icc_host
{
thread_local Place place;

namespace
{
constexpr int kMostThreads = 1024;
constexpr int kWarp = 32;
constexpr int kWarpgroup = 128;
constexpr size_t kStack = 256 * 1024; // a sanitizer surrounds arrays
constexpr int kMostRounds = 64;

// What threads wait for: all of them arrive, then the generation changes. Where some have ended they never come.
struct Meeting
{
    int members;
    int arrived;
    unsigned generation;
    int argument = 0; // what the first to come brought
};

struct Thread
{
    void* stack; // saved stack pointer while it is not running
    bool done;
};

struct Block
{
    const Kernel* kernel;
    int count;   // threads
    int begun;   // threads that have a fiber
    int current; // the running one
    int fibers = 0; // stacks in use
    unsigned progress; // changes where something happens that others may wait for
    bool stuck = false;
    void* scheduler;
    StackRange schedulerStack;
    Meeting all;
    Meeting warps[kMostThreads / kWarp];
    Meeting groups[kMostThreads / kWarpgroup];
    alignas(16) char values[kMostThreads / kWarp][2][kWarp * kLaneBytes];
    Thread threads[kMostThreads];
    char* stacks;

    Block()
    {
        stacks = static_cast<char*>(mmap(nullptr, kStack * kMostThreads, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (stacks == MAP_FAILED)
        {
            fputs("no address space for the stacks of a block\n", stderr);
            abort();
        }
    }

    ~Block() { munmap(stacks, kStack * kMostThreads); }
};

thread_local std::unique_ptr<Block> block;

// Saves the callee-saved registers and the stack pointer in *from, and goes on where `to` was saved.
extern "C" void icc_switch(void** from, void* to);

#if defined(__x86_64__)
asm(R"(
.text
.type icc_switch, @function
icc_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size icc_switch, .-icc_switch
)");

void* prepare(char* top, void (*entry)())
{
    void** stack = reinterpret_cast<void**>(top);
    *--stack = nullptr; // where entry would return to; keeps its stack aligned
    *--stack = reinterpret_cast<void*>(entry);
    return stack - 6;
}
#elif defined(__aarch64__)
asm(R"(
.text
.type icc_switch, %function
icc_switch:
    sub sp, sp, #160
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
.size icc_switch, .-icc_switch
)");

void* prepare(char* top, void (*entry)())
{
    void** stack = reinterpret_cast<void**>(top - 160);
    stack[11] = reinterpret_cast<void*>(entry); // x30
    return stack;
}
#else
#error "fibers need a stack switch for this processor: x86-64 and aarch64 have one"
#endif

void become(int thread)
{
    block->current = thread;
    place.thread.x = (unsigned)thread;
}

void fiber_main();

void change(void** from, void* to, StackRange stack)
{
    void* fakeStack = leave(stack);
    icc_switch(from, to);
    arrive(fakeStack);
}

// The fiber's own among the stacks.
StackRange stack_of(const void* place)
{
    size_t index = (size_t)(static_cast<const char*>(place) - block->stacks) / kStack;
    return {block->stacks + index * kStack, kStack};
}

// Leaves the running fiber, which saves itself at `from`, for a thread that has begun or, where there is none left, a new one.
void go(void** from, int thread)
{
    Block& b = *block;
    if (thread == b.begun)
    {
        b.threads[thread].stack = prepare(b.stacks + kStack * (size_t)++b.fibers, fiber_main);
        b.begun++;
    }
    become(thread);
    change(from, b.threads[thread].stack, stack_of(b.threads[thread].stack));
}

// The next thread of [first, end) after `thread`, in a ring, that is not done; -1 where there is none.
int next(int thread, int first, int end)
{
    for (int i = 0; i < end - first; i++)
    {
        thread = thread + 1 < end ? thread + 1 : first;
        if (thread == block->begun || (thread < block->begun && !block->threads[thread].done))
        {
            return thread;
        }
    }
    return -1;
}

// Runs threads; where one ends, this stack takes the next that has not begun.
void fiber_main()
{
    Block& b = *block;
    StackRange left = arrive(nullptr);
    if (b.fibers == 1)
    {
        b.schedulerStack = left;
    }
    for (;;)
    {
        b.kernel->run(b.kernel->parameters);
        int ended = b.current;
        b.threads[ended].done = true;
        b.progress++;
        if (b.begun < b.count)
        {
            become(b.begun++);
            continue;
        }
        int other = next(ended, 0, b.count);
        void* nowhere;
        if (other < 0)
        {
            change(&nowhere, b.scheduler, b.schedulerStack);
        }
        go(&nowhere, other);
    }
}

// Others have their turn until over() is true: first those of [first, end), in a ring, then all of the block. Whoever is passed over in
// many rounds in which nothing happens waits for ever.
template <typename Over>
void give_way_until(int first, int end, Over over)
{
    Block& b = *block;
    int self = b.current, rounds = 0;
    unsigned progress = b.progress;
    while (!over())
    {
        rounds = progress == b.progress ? rounds + 1 : 0;
        progress = b.progress;
        int near = rounds > 1 ? self : next(self, first, end);
        int other = near == self || near < 0 ? next(self, 0, b.count) : near;
        if (other == self || other < 0 || rounds > kMostRounds)
        {
            give_up_block();
        }
        go(&b.threads[self].stack, other);
    }
}

// Waits for threads [first, end); the last one to come calls `last` before the others go on.
template <typename Last>
void wait(Meeting& meeting, int first, int end, Last last)
{
    Block& b = *block;
    unsigned generation = meeting.generation;
    if (++meeting.arrived == meeting.members)
    {
        last();
        meeting.arrived = 0;
        meeting.generation++;
        b.progress++;
        return;
    }
    give_way_until(first, end, [&] { return meeting.generation != generation; });
}
} // namespace

void give_up_block()
{
    block->stuck = true;
    void* nowhere;
    change(&nowhere, block->scheduler, block->schedulerStack);
    abort(); // nobody returns to a block that was given up
}

void block_barrier() { wait(block->all, 0, block->count, check_barrier); }

char* exchange(const void* value, size_t bytes, void (*all)(char* lanes))
{
    Block& b = *block;
    int warp = b.current / kWarp, first = warp * kWarp;
    int end = first + kWarp < b.count ? first + kWarp : b.count;
    Meeting& meeting = b.warps[warp];
    // Two rooms in turn: nobody writes to this one again before all have left it.
    char* room = b.values[warp][meeting.generation % 2];
    memcpy(room + kLaneBytes * (b.current - first), value, bytes);
    wait(meeting, first, end, [&] { all ? all(room) : (void)0; });
    return room;
}

void give_way()
{
    Block& b = *block;
    int other = next(b.current, 0, b.count);
    if (other >= 0 && other != b.current)
    {
        go(&b.threads[b.current].stack, other);
    }
}

void wait_until(bool (*over)(const void* what), const void* what)
{
    give_way();
    give_way_until(0, block->count, [&] { return over(what); });
}

void progressed() { block->progress++; }

void meet_warpgroup(void (*last)(int first, int argument), int argument)
{
    Block& b = *block;
    int group = b.current / kWarpgroup, first = group * kWarpgroup;
    int end = first + kWarpgroup < b.count ? first + kWarpgroup : b.count;
    Meeting& meeting = b.groups[group];
    if (meeting.arrived > 0 && meeting.argument != argument)
    {
        give_up_block();
    }
    meeting.argument = argument;
    wait(meeting, first, end, [&] { last(first, argument); });
}

FiberMemory fiber_memory()
{
    if (!block)
    {
        block = std::make_unique<Block>();
    }
    return {{reinterpret_cast<uintptr_t>(block.get()), sizeof(Block)}, {reinterpret_cast<uintptr_t>(block->stacks), kStack * kMostThreads}};
}

bool run_block(const Kernel& kernel)
{
    fiber_memory();
    forget_copies(place.threads.x);
    forget_products(place.threads.x);
    forget_mbarriers();
    check_block();
    Block& b = *block;
    b.kernel = &kernel;
    b.count = (int)place.threads.x;
    if (b.stuck)
    {
        allow(b.stacks, kStack * (size_t)b.fibers); // of threads that never ended
    }
    b.begun = b.fibers = 0;
    b.stuck = false;
    b.progress = 0;
    b.all = {b.count, 0, 0};
    for (int w = 0; w * kWarp < b.count; w++)
    {
        b.warps[w] = {b.count - w * kWarp < kWarp ? b.count - w * kWarp : kWarp, 0, 0};
    }
    for (int g = 0; g * kWarpgroup < b.count; g++)
    {
        b.groups[g] = {kWarpgroup, 0, 0};
    }
    for (int t = 0; t < b.count; t++)
    {
        b.threads[t].done = false;
    }
    go(&b.scheduler, 0);
    return !b.stuck;
}
} // namespace icc_host
