// Prompt attention over a paged cache of bfloat16 by wgmma, on compute capability 9.0 (Shah et al. 2024, FlashAttention-3): what
// attention_mma.cu computes, for heads of up to 128 elements, a multiple of 8, and a positive scale; values are read even where only taps
// are wanted.
// A block has a tile of 128 lanes (attention_tile.h). One warpgroup copies: tiles of 128 keys and of as many values come by cp.async
// through the page table into rings of stages (attention_stages.h). Two warpgroups have 64 lanes each and compute: the product of the next
// keys runs while values are added up, and weights are made of its scores meanwhile; they begin their products in turn, so that one
// multiplies while the other makes weights.
// Grid (tiles, kvHeads), with taps that of TapTurns in tap.h; 384 threads. Shared memory: StagedForm::kBytes.
#include "attention_stages.h"
#include "tap_fragments.h"

constexpr int kOwnLanes = 64; // of a warpgroup
constexpr int kTapped = 16;   // scores of a thread that taps take at a time: of 32 keys

// What warpgroups that compute wait at: each one's own, that of both, and each one's turn to multiply.
constexpr int kOwnBarrier = 1, kBothBarrier = 3, kTurnBarrier = 4;

struct alignas(16) Chunk
{
    unsigned pairs[4];
};

// What a warp knows of its 16 lanes, one row tile: a thread has the halves lane / 4 and 8 further. maximum: of the scores times log2 e.
struct Running
{
    float maximum[1][2], sum[1][2];
};

// Hides the scores of those of keys [key, key + 128) that a lane does not see. own: the thread's first lane.
__device__ __forceinline__ void hide(const KvView<BFloat16>& kv, const LaneTile& tile, int own, int key, float (&scores)[64])
{
    key += threadIdx.x % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        int lane = own + 8 * half;
        int first = lane < tile.lanes ? first_key(kv, tile.position(lane)) - key : 0;
        int end = lane < tile.lanes ? end_key(kv, tile.position(lane), tile.length) - key : 0;
#pragma unroll
        for (int i = 0; i < 32; i++)
        {
            int k = i / 2 * 8 + i % 2;
            float& score = scores[i / 2 * 4 + 2 * half + i % 2];
            score = k >= first && k < end ? score : -kInfinity;
        }
    }
}

// Scores of keys [key, key + 128) to weights; lets the running maximum and sum follow, and the taps. factors: what is relative to the maxima
// before is to be multiplied with.
template <typename Taps>
__device__ __forceinline__ void weigh(float scale, int key, float (&scores)[64], Running& running, float (&factors)[2], Taps& tap)
{
    float offsets[2], sums[2] = {0, 0}, unit = scale * kLog2E;
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        float largest = -kInfinity;
#pragma unroll
        for (int i = 0; i < 32; i++)
        {
            largest = larger(largest, scores[i / 2 * 4 + 2 * half + i % 2]);
        }
        // Rounded before anything is subtracted, so that the factor of a maximum that stays is 1.
        float before = running.maximum[0][half];
        float maximum = larger(before, rounded_product(lanes_max(largest, 4), unit));
        offsets[half] = maximum == -kInfinity ? 0.f : maximum;
        factors[half] = exp2_fast(before - offsets[half]);
        running.maximum[0][half] = maximum;
    }
#pragma unroll
    for (int i = 0; i < 32; i++)
    {
        int half = i % 2;
        float& low = scores[2 * i];
        float& high = scores[2 * i + 1];
        low = exp2_fast(low * unit - offsets[half]);
        high = exp2_fast(high * unit - offsets[half]);
        sums[half] += low + high;
    }
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        running.sum[0][half] = running.sum[0][half] * factors[half] + sums[half];
    }
    if constexpr (!__is_same(Taps, NoTaps))
    {
        tap.sums[0][0] *= factors[0];
        tap.sums[0][1] *= factors[1];
        if (tap.walk.end > key + kKeys)
        {
            tap.sums[0][0] += sums[0];
            tap.sums[0][1] += sums[1];
            return;
        }
        hold(scores); // so that sums of pairs are not kept from above
#pragma unroll
        for (int n = 0; n < 64; n += kTapped)
        {
            float weights[1][2][kTapped / 4][2];
#pragma unroll
            for (int i = 0; i < kTapped; i++)
            {
                weights[0][i / 2 % 2][i / 4][i % 2] = scores[n + i];
            }
            tap.add(key + 2 * n, weights, running.maximum);
        }
    }
}

// A warpgroup that computes.
template <int HeadDim>
struct Consumer
{
    static constexpr int kSteps = HeadDim / 16;

    const AttentionArguments<BFloat16>& a;
    StagedRoom<HeadDim> room;
    int lanes;    // the first one of the warpgroup
    int done = 0; // tiles of keys

    // Rounded queries of the warpgroup's lanes to shared memory; zeros beyond the lanes and the head.
    __device__ __forceinline__ void load_queries(const LaneTile& tile) const
    {
        constexpr int kChunks = StagedForm<HeadDim>::kChunks;
#pragma unroll 4
        for (int i = 0; i < kOwnLanes * kChunks / kGroup; i++)
        {
            int e = i * kGroup + threadIdx.x % kGroup, lane = lanes + e / kChunks, chunk = e % kChunks;
            bool there = lane < tile.lanes && 8 * chunk < a.kv.headDim;
            const float* source = a.query + (there ? tile.place(lane) * a.kv.headDim + 8 * chunk : 0);
            // Read in any case, so that no branch keeps the reads of one round from those of the next.
            Chunk words;
#pragma unroll
            for (int w = 0; w < 4; w++)
            {
                unsigned pair = pack_bf16(source[2 * w], source[2 * w + 1]);
                words.pairs[w] = there ? pair : 0;
            }
            *reinterpret_cast<Chunk*>(room.queries + place_of(lane, chunk)) = words;
        }
        fence_proxy_async();
        named_barrier(kOwnBarrier + lanes / kOwnLanes, kGroup);
    }

    // The warpgroups begin their products in turn, one tile of keys each, so that one multiplies while the other makes weights.
    __device__ __forceinline__ void take_turn() const { named_barrier(kTurnBarrier + lanes / kOwnLanes, kComputing); }

    __device__ __forceinline__ void give_turn() const { named_barrier_arrive(kTurnBarrier + 1 - lanes / kOwnLanes, kComputing); }

    // Begins scores = queries keys^T.
    __device__ __forceinline__ void begin_scores(int index, float (&scores)[64]) const
    {
        mbarrier_wait(room.rings().keys.full[index % kStages], index / kStages % 2);
        take_turn();
        // What is made of the address is made anew each time, instead of being kept in 16 registers.
        unsigned queries = anew(shared_address(room.queries + lanes * kRowBytes)), keys = shared_address(room.keys(index));
        wgmma_fence();
        wgmma_m64n128k16_bf16<false>(scores, descriptor(queries), descriptor(keys));
#pragma unroll
        for (int step = 1; step < kSteps; step++)
        {
            int offset = step / 4 * StagedForm<HeadDim>::kPanel + step % 4 * 32;
            wgmma_m64n128k16_bf16(scores, descriptor(queries + offset), descriptor(keys + offset));
        }
        wgmma_commit();
    }

    // Begins results += weights values.
    __device__ __forceinline__ void begin_results(int index, const unsigned (&weights)[kKeys / 16][4], float (&results)[HeadDim / 2]) const
    {
        mbarrier_wait(room.rings().values.full[index % kStages], index / kStages % 2);
        unsigned values = shared_address(room.values(index));
        wgmma_fence();
#pragma unroll
        for (int step = 0; step < kKeys / 16; step++)
        {
            wgmma_m64k16_bf16_columns(results, weights[step], descriptor(values + step * 16 * kRowBytes, StagedForm<HeadDim>::kPanel));
        }
        wgmma_commit();
    }

    // This warp reads the stage no more.
    __device__ __forceinline__ void release(Ring& ring, int index) const
    {
        if (threadIdx.x % 32 == 0)
        {
            mbarrier_arrive(ring.empty[index % kStages]);
        }
    }

    // Tiles of keys that none of the warpgroup's lanes sees. They are waited for, so that no warp arrives twice in one phase.
    __device__ __forceinline__ void skip(int from, int to) const
    {
        for (int index = from; index < to; index++)
        {
            mbarrier_wait(room.rings().keys.full[index % kStages], index / kStages % 2);
            release(room.rings().keys, index);
            mbarrier_wait(room.rings().values.full[index % kStages], index / kStages % 2);
            release(room.rings().values, index);
            take_turn();
            give_turn();
        }
    }

    // All keys of a tile of lanes. taps: null, or what is wanted of it, and where the block puts it away.
    template <bool Tapped>
    __device__ __forceinline__ void run(const LaneTile& tile, const TapTile* taps, float* tapRoom)
    {
        const KeyRange keys(a.kv, tile, 0, tile.lanes - 1);
        const int tiles = keys.tiles(), warpLanes = lanes + threadIdx.x % kGroup / 32 * 16;
        auto tap = tap_where<Tapped, FragmentTaps<1, kLanes>>(taps, tapRoom, warpLanes, keys.first);
        Running running{{{-kInfinity, -kInfinity}}, {{0, 0}}};
        if (lanes < tile.lanes)
        {
            attend<Tapped>(tile, keys.first, tiles, warpLanes + threadIdx.x % 32 / 4, running, tap);
        }
        else
        {
            skip(done, done + tiles);
        }
        done += tiles;
        if constexpr (Tapped)
        {
            tap.skip_to(keys.first + tiles * kKeys, running.maximum);
            tap.finish(running.maximum, running.sum, room.factors() + warpLanes);
            write_tap<kLanes, kComputing>(
                *taps, tile, tapRoom, tap.first, tap.walk.part_behind(), room.factors(), room.tap_stage(), (int)threadIdx.x - kGroup,
                [] { named_barrier(kBothBarrier, kComputing); });
        }
    }

    // Where the warpgroup has lanes: their results of `tiles` tiles of keys from `first` on. own: the thread's first lane.
    template <bool Tapped, typename Taps>
    __device__ __forceinline__ void attend(const LaneTile& tile, int first, int tiles, int own, Running& running, Taps& tap) const
    {
        // The tiles that any lane of the warpgroup sees, and of those the ones that all lanes see whole.
        int last = lanes + kOwnLanes <= tile.lanes ? lanes + kOwnLanes - 1 : tile.lanes - 1;
        const KeyRange any(a.kv, tile, lanes, last), all(a.kv, tile, last, lanes);
        const int from = (any.first - first) / kKeys, to = (any.end - first + kKeys - 1) / kKeys;
        const int wholeFrom = (all.first - first + kKeys - 1) / kKeys, wholeTo = (all.end - first) / kKeys;
        load_queries(tile);
        skip(done, done + from);
        if constexpr (Tapped)
        {
            tap.skip_to(first + from * kKeys, running.maximum);
        }
        float scores[64], results[HeadDim / 2] = {}, factors[2];
        unsigned weights[kKeys / 16][4];
        auto weigh_scores = [&](int index) __attribute__((always_inline))
        {
            hold(scores);
            release(room.rings().keys, done + index);
            int key = first + index * kKeys;
            if (index < wholeFrom || index >= wholeTo)
            {
                hide(a.kv, tile, own, key, scores);
            }
            weigh(a.kv.scale, key, scores, running, factors, tap);
        };
        auto round_weights = [&]() __attribute__((always_inline))
        {
            hold(scores);
#pragma unroll
            for (int i = 0; i < 32; i++)
            {
                weights[i / 4][i % 4] = pack_bf16(scores[2 * i], scores[2 * i + 1]);
            }
        };
        begin_scores(done + from, scores);
        give_turn();
        wgmma_wait<0>();
        weigh_scores(from);
        round_weights();
        for (int index = from + 1; index < to; index++)
        {
            hold(results);
            begin_scores(done + index, scores);
            begin_results(done + index - 1, weights, results);
            give_turn();
            wgmma_wait<1>();
            weigh_scores(index);
            wgmma_wait_after<0>(running.sum[0][0] + running.sum[0][1]);
            hold(results);
            release(room.rings().values, done + index - 1);
#pragma unroll
            for (int i = 0; i < HeadDim / 2; i++)
            {
                results[i] *= factors[i / 2 % 2];
            }
            round_weights();
        }
        hold(results);
        begin_results(done + to - 1, weights, results);
        wgmma_wait<0>();
        hold(results);
        release(room.rings().values, done + to - 1);
        skip(done + to, done + tiles);
        write(tile, own, running, results);
    }

    __device__ __forceinline__ void write(const LaneTile& tile, int own, const Running& running, const float (&results)[HeadDim / 2]) const
    {
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float factor = 1.f / lanes_sum(running.sum[0][half], 4);
            if (own + 8 * half >= tile.lanes || !a.output)
            {
                continue;
            }
            float* to = a.output + tile.place(own + 8 * half) * a.kv.headDim + threadIdx.x % 4 * 2;
#pragma unroll
            for (int n = 0; n < HeadDim / 8; n++)
            {
                if (8 * n < a.kv.headDim)
                {
                    to[8 * n] = results[4 * n + 2 * half] * factor;
                    to[8 * n + 1] = results[4 * n + 2 * half + 1] * factor;
                }
            }
        }
    }
};

// Calls copy(producer) in the warpgroup that copies and compute(consumer) in those that compute, each with the registers that it needs, of
// 168 a thread.
template <int HeadDim, typename Copy, typename Compute>
__device__ __forceinline__ void by_role(const AttentionArguments<BFloat16>& a, Copy copy, Compute compute)
{
    DYNAMIC_SHARED(memory);
    const StagedRoom<HeadDim> room{memory};
    for (int i = 0; i < kStages && threadIdx.x == 0; i++)
    {
        room.rings().keys.init(i);
        room.rings().values.init(i);
    }
    __syncthreads();
    if (threadIdx.x < kGroup)
    {
        give_up_registers<40>();
        Producer<HeadDim> producer{a.kv, room};
        copy(producer);
        producer.finish();
    }
    else
    {
        take_registers<232>();
        Consumer<HeadDim> consumer{a, room, ((int)threadIdx.x / kGroup - 1) * kOwnLanes};
        if (consumer.lanes > 0)
        {
            consumer.give_turn(); // to the first
        }
        compute(consumer);
    }
}

template <int HeadDim>
__device__ __forceinline__ void attention_wgmma(const AttentionArguments<BFloat16>& a)
{
    const LaneTile tile(a, kLanes, blockIdx.x, blockIdx.y);
    by_role<HeadDim>(
        a, [&](auto& producer) __attribute__((always_inline)) { producer.run(tile); },
        [&](auto& consumer) __attribute__((always_inline)) { consumer.template run<false>(tile, nullptr, nullptr); });
}

template <int HeadDim>
__device__ __forceinline__ void attention_tapped_wgmma(const AttentionArguments<BFloat16>& a, const TapArguments& tap)
{
    by_role<HeadDim>(
        a,
        [&](auto& producer) __attribute__((always_inline))
        {
            for (TapTurns turns(tap); turns.next();)
            {
                producer.run(LaneTile(a, kLanes, turns.tile, turns.kvHead));
            }
        },
        [&](auto& consumer) __attribute__((always_inline))
        {
            float* room = tap.room + (long long)blockIdx.x * tap.roomParts * kLanes;
            for (TapTurns turns(tap); turns.next();)
            {
                const LaneTile tile(a, kLanes, turns.tile, turns.kvHead);
                const TapTile taps(tap, a.tiles[2 * turns.tile], turns.tile, turns.kvHead, tile.group);
                consumer.template run<true>(tile, &taps, room);
            }
        });
}

#define ATTENTION_WGMMA(headDim)                                                                                                         \
    extern "C" __global__ void __launch_bounds__(kThreads, 1) attention_wgmma_##headDim(AttentionArguments<BFloat16> a)                  \
    {                                                                                                                                    \
        attention_wgmma<headDim>(a);                                                                                                     \
    }                                                                                                                                    \
    extern "C" __global__ void __launch_bounds__(kThreads, 1) attention_tapped_wgmma_##headDim(AttentionArguments<BFloat16> a, TapArguments tap) \
    {                                                                                                                                    \
        attention_tapped_wgmma<headDim>(a, tap);                                                                                         \
    }

ATTENTION_WGMMA(64)
ATTENTION_WGMMA(128)
