// Small kernels that use what kernels/device/mbarrier.h and warpgroup.h give, as it should be used and not. Each takes two warpgroups a
// block, 8320 bytes of shared memory, and memory [count], count at least 8192. The first warpgroup hands something over to the second.
#include "kernels.h"
#include "mbarrier.h"
#include "warpgroup.h"

namespace warpgroup_kernels
{
constexpr int kGroup = 128;
constexpr int kRows = 64, kColumns = 128, kDepth = 16;

struct Room
{
    float* numbers; // a product's right side: 16 rows of 128 columns of bfloat16, 64 and 64 of them
    MBarrier* full;
    MBarrier* empty;
    bool first;
    int thread;

    Room()
    {
        DYNAMIC_SHARED(bytes);
        numbers = reinterpret_cast<float*>(bytes);
        full = reinterpret_cast<MBarrier*>(bytes + 8192);
        empty = full + 1;
        first = threadIdx.x < kGroup;
        thread = threadIdx.x % kGroup;
    }

    // empties: arrivals that make it empty.
    void init(int empties = kGroup)
    {
        if (threadIdx.x == 0)
        {
            mbarrier_init(*full, kGroup);
            mbarrier_init(*empty, empties);
        }
        __syncthreads();
    }
};

__global__ void right_handover(float* memory, int)
{
    Room room;
    room.init();
    for (int round = 0; round < 5; round++)
    {
        if (room.first)
        {
            mbarrier_wait(*room.empty, round % 2 ^ 1);
            room.numbers[room.thread] = (float)round;
            mbarrier_arrive(*room.full);
        }
        else
        {
            mbarrier_wait(*room.full, round % 2);
            memory[room.thread] = room.numbers[room.thread ^ 1];
            mbarrier_arrive(*room.empty);
        }
    }
}

__global__ void race_without_wait(float* memory, int)
{
    Room room;
    room.init();
    if (room.first)
    {
        room.numbers[room.thread] = 1;
        mbarrier_arrive(*room.full);
    }
    else
    {
        memory[room.thread] = room.numbers[room.thread];
    }
}

__global__ void race_arrives_early(float* memory, int)
{
    Room room;
    room.init();
    if (room.first)
    {
        mbarrier_arrive(*room.full);
        room.numbers[room.thread] = 1;
    }
    else
    {
        mbarrier_wait(*room.full, 0);
        memory[room.thread] = room.numbers[room.thread];
    }
}

// What was handed over is written again before it was read.
__global__ void race_not_empty(float* memory, int)
{
    Room room;
    room.init();
    if (room.first)
    {
        room.numbers[room.thread] = 1;
        mbarrier_arrive(*room.full);
        room.numbers[room.thread] = 2;
    }
    else
    {
        mbarrier_wait(*room.full, 0);
        memory[room.thread] = room.numbers[room.thread];
    }
}

// Threads that arrive at a barrier know nothing of each other until they wait for it.
__global__ void race_arrived_only(float* memory, int)
{
    Room room;
    room.init();
    if (room.first)
    {
        room.numbers[room.thread] = 1;
        mbarrier_arrive(*room.full);
        memory[room.thread] = room.numbers[room.thread ^ 1];
    }
}

__global__ void stuck_missing_arrival(float* memory, int)
{
    Room room;
    room.init();
    if (!room.first)
    {
        mbarrier_wait(*room.full, 0);
        memory[room.thread] = 1;
    }
    else if (room.thread != 77)
    {
        mbarrier_arrive(*room.full);
    }
}

// The phase before the first one is over at once, but only until the first one is.
__global__ void stuck_phase_before(float* memory, int)
{
    Room room;
    room.init();
    if (room.first)
    {
        mbarrier_arrive(*room.full);
    }
    else
    {
        mbarrier_wait(*room.full, 1);
    }
    memory[threadIdx.x] = 1;
}

__global__ void stuck_wrong_parity(float* memory, int)
{
    Room room;
    room.init();
    if (room.first)
    {
        mbarrier_arrive(*room.full);
    }
    mbarrier_wait(*room.full, 0);
    mbarrier_wait(*room.full, 1);
    memory[threadIdx.x] = 1;
}

__global__ void stuck_no_barrier(float* memory, int)
{
    Room room;
    mbarrier_arrive(*room.full);
    memory[threadIdx.x] = 1;
}

__global__ void stuck_registers(float* memory, int)
{
    if (threadIdx.x < 64)
    {
        give_up_registers<40>();
    }
    memory[threadIdx.x] = 1;
}

__global__ void right_registers(float* memory, int)
{
    if (threadIdx.x < kGroup)
    {
        give_up_registers<40>();
    }
    else
    {
        take_registers<232>();
    }
    memory[threadIdx.x] = 1;
}

// Where columns [column, column + 2) of a row of b lie: 128 bytes of a row with a swizzle, the upper 64 columns 2 KiB further.
unsigned& pair_of(float* numbers, int row, int column)
{
    int chunk = column / 8;
    int place = chunk / 8 * 2048 + row * 128 + ((chunk ^ row) & 7) * 16 + column % 8 * 2;
    return *reinterpret_cast<unsigned*>(reinterpret_cast<char*>(numbers) + place);
}

float a_of(int row, int k) { return (float)((3 * row + 5 * k) % 17 - 8); }

float b_of(int k, int column) { return (float)((7 * k + 2 * column) % 13 - 6); }

void store_columns(const Room& room, int from)
{
    for (int e = room.thread; e < kDepth * (kColumns - from) / 2; e += kGroup)
    {
        int row = e % kDepth, column = from + e / kDepth * 2;
        pair_of(room.numbers, row, column) = pack_bf16(b_of(row, column), b_of(row, column + 1));
    }
}

template <int Columns>
struct Product
{
    float sums[Columns / 2];
    unsigned a[4];

    void begin(const Room& room)
    {
        int row = room.thread / 32 * 16 + room.thread % 32 / 4, k = room.thread % 4 * 2;
        for (float& sum : sums)
        {
            sum = 1000;
        }
        for (int i = 0; i < 4; i++)
        {
            int r = row + i % 2 * 8, c = k + i / 2 * 8;
            a[i] = pack_bf16(a_of(r, c), a_of(r, c + 1));
        }
        unsigned long long start = shared_address(room.numbers) >> 4;
        wgmma_fence();
        wgmma_m64k16_bf16_columns(sums, a, start | 2048ull >> 4 << 16 | 1024ull >> 4 << 32 | 1ull << 62);
        wgmma_commit();
    }

    void store(const Room& room, float* memory) const
    {
        for (int i = 0; i < Columns / 2; i++)
        {
            int row = room.thread / 32 * 16 + room.thread % 32 / 4 + i / 2 % 2 * 8;
            memory[row * kColumns + i / 4 * 8 + room.thread % 4 * 2 + i % 2] = sums[i];
        }
    }
};

// memory [64, 128] = a b + 1000, a in registers, b with columns side by side, handed over; then the lower 64 columns once more.
template <int Columns, bool Fenced = true, bool Waits = true>
void hand_over_product(float* memory)
{
    Room room;
    room.init(kGroup / 32);
    if (room.first)
    {
        for (int round = 0; round < 2; round++)
        {
            mbarrier_wait(*room.empty, round % 2 ^ 1);
            store_columns(room, 0);
            if (Fenced)
            {
                fence_proxy_async();
            }
            mbarrier_arrive(*room.full);
        }
        return;
    }
    Product<Columns> product;
    for (int round = 0; round < 2; round++)
    {
        mbarrier_wait(*room.full, round);
        product.begin(room);
        if (Waits)
        {
            wgmma_wait<0>();
        }
        if (threadIdx.x % 32 == 0)
        {
            mbarrier_arrive(*room.empty);
        }
        wgmma_wait<0>();
    }
    product.store(room, memory);
}

__global__ void columns_128(float* memory, int) { hand_over_product<128>(memory); }

__global__ void columns_64(float* memory, int) { hand_over_product<64>(memory); }

__global__ void columns_unfenced(float* memory, int) { hand_over_product<128, false>(memory); }

// The room is given back while the product may still read it.
__global__ void race_product(float* memory, int) { hand_over_product<128, true, false>(memory); }

#define KERNEL(name) icc_host::KernelEntry::of<&name>(#name)

const icc_host::Kernels all({
    KERNEL(right_handover),
    KERNEL(race_without_wait),
    KERNEL(race_arrives_early),
    KERNEL(race_not_empty),
    KERNEL(race_arrived_only),
    KERNEL(stuck_missing_arrival),
    KERNEL(stuck_phase_before),
    KERNEL(stuck_wrong_parity),
    KERNEL(stuck_no_barrier),
    KERNEL(stuck_registers),
    KERNEL(right_registers),
    KERNEL(columns_128),
    KERNEL(columns_64),
    KERNEL(columns_unfenced),
    KERNEL(race_product),
});
} // namespace warpgroup_kernels
