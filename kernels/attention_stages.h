// The stages of attention_wgmma.cu: how keys and values lie in shared memory, in the layout that wgmma reads with a swizzle of 128 bytes,
// which barriers say what is full and what is free, and the warpgroup that fills them.
#pragma once

#include "attention_tile.h"
#include "mbarrier.h"
#include "warpgroup.h"

constexpr int kGroup = 128; // threads of a warpgroup
constexpr int kThreads = 3 * kGroup;
constexpr int kComputing = 2 * kGroup;
constexpr int kLanes = 128;
constexpr int kKeys = 128;    // of a tile
constexpr int kRowBytes = 128;
constexpr int kStages = 3;

// Which stages are full of keys or values, and which are free.
struct Ring
{
    MBarrier full[kStages], empty[kStages];

    __device__ __forceinline__ void init(int stage)
    {
        mbarrier_init(full[stage], kGroup);           // each thread that copies
        mbarrier_init(empty[stage], kComputing / 32); // each warp that computes
    }
};

struct Rings
{
    Ring keys, values;
};

// A tile is as many times 128 rows as its heads have times 64 elements. With taps the factors of the lanes follow, and the stage of
// write_tap, which has the place of the queries where they are large enough.
template <int HeadDim>
struct StagedForm
{
    static constexpr int kPanel = 128 * kRowBytes;
    static constexpr int kTile = HeadDim / 64 * kPanel;
    static constexpr int kChunks = HeadDim / 8; // of 16 bytes in a row
    static constexpr int kFactors = (1 + 2 * kStages) * kTile + (int)sizeof(Rings);
    static constexpr int kBytes = kFactors + kLanes * 4;
    static constexpr int kTapStage = HeadDim == 64 ? kBytes : 0; // 16,512 bytes
};

// Where 16 bytes of a row of a tile are: in atoms of eight rows of 128 bytes, in which the chunks of row r are exchanged by r.
__device__ __forceinline__ int place_of(int row, int chunk) { return (chunk / 8 * 128 + row) * kRowBytes + ((chunk ^ row) & 7) * 16; }

// The matrix descriptor of a part of a tile that begins at the address `start`: atoms of eight rows follow one another. Where the elements
// of a row are columns, the next 64 of them are `leading` bytes further; else that has no meaning with a swizzle. In units of 16 bytes.
__device__ __forceinline__ unsigned long long descriptor(unsigned start, int leading = 16)
{
    constexpr unsigned long long kSwizzle128 = 1, kAtom = 8 * kRowBytes;
    return (start & 0x3ffff) >> 4 | (unsigned long long)(leading >> 4) << 16 | kAtom >> 4 << 32 | kSwizzle128 << 62;
}

// The block's place in shared memory.
template <int HeadDim>
struct StagedRoom
{
    unsigned char* queries;

    __device__ __forceinline__ unsigned char* keys(int tile) const { return queries + (1 + tile % kStages) * StagedForm<HeadDim>::kTile; }

    __device__ __forceinline__ unsigned char* values(int tile) const
    {
        return queries + (1 + kStages + tile % kStages) * StagedForm<HeadDim>::kTile;
    }

    __device__ __forceinline__ Rings& rings() const { return *reinterpret_cast<Rings*>(queries + (1 + 2 * kStages) * StagedForm<HeadDim>::kTile); }

    __device__ __forceinline__ float* factors() const { return reinterpret_cast<float*>(queries + StagedForm<HeadDim>::kFactors); }

    __device__ __forceinline__ float* tap_stage() const { return reinterpret_cast<float*>(queries + StagedForm<HeadDim>::kTapStage); }
};

// The tiles of keys that lanes [low, high] of a tile of lanes see, from the first one of the block.
struct KeyRange
{
    int first, end;

    __device__ __forceinline__ KeyRange(const KvView<BFloat16>& kv, const LaneTile& tile, int low, int high)
        : first(first_key(kv, tile.position(low))), end(end_key(kv, tile.position(high), tile.length))
    {
    }

    __device__ __forceinline__ int tiles() const { return (end - first + kKeys - 1) / kKeys; }
};

// The warpgroup that copies. What it has begun last it hands over when it has begun the next.
template <int HeadDim>
struct Producer
{
    const KvView<BFloat16>& kv;
    StagedRoom<HeadDim> room;
    int done = 0; // tiles of keys
    MBarrier* begun = nullptr;

    __device__ __forceinline__ void hand_over()
    {
        fence_proxy_async();
        mbarrier_arrive(*begun);
    }

    // Begins the copy of a tile; place: where the thread's row of it is in the cache, -1 beyond the end.
    __device__ __forceinline__ void copy(Ring& ring, int index, unsigned char* to, const BFloat16* from, long long place)
    {
        constexpr int kChunks = StagedForm<HeadDim>::kChunks, kRows = 32 / kChunks; // of a warp at a time
        int lane = threadIdx.x % 32, warp = threadIdx.x / 32, chunk = lane % kChunks;
        mbarrier_wait(ring.empty[index % kStages], index / kStages % 2 ^ 1);
#pragma unroll
        for (int i = 0; i < 32 / kRows; i++)
        {
            int row = i * kRows + lane / kChunks;
            long long source = shuffle(place, row);
            bool there = source >= 0 && 8 * chunk < kv.headDim;
            cp_async_16(to + place_of(32 * warp + row, chunk), there ? from + source + 8 * chunk : from, there ? 16 : 0);
        }
        cp_async_commit();
        if (begun)
        {
            cp_async_wait<1>();
            hand_over();
        }
        begun = &ring.full[index % kStages];
    }

    // All keys and values of a tile of lanes, in the order in which they are multiplied.
    __device__ __forceinline__ void run(const LaneTile& tile)
    {
        const KeyRange keys(kv, tile, 0, tile.lanes - 1);
        auto look_up = [&](int index) __attribute__((always_inline))
        {
            int key = keys.first + index * kKeys + (int)threadIdx.x;
            return key < keys.end ? kv_offset(kv, tile.pages, key, tile.kvHead) : -1ll;
        };
        auto copy_keys = [&](int index, long long place) __attribute__((always_inline))
        { copy(room.rings().keys, done + index, room.keys(done + index), kv.keys, place); };
        int tiles = keys.tiles();
        long long place = look_up(0);
        copy_keys(0, place);
        for (int index = 0; index < tiles; index++)
        {
            long long next = look_up(index + 1);
            if (index + 1 < tiles)
            {
                copy_keys(index + 1, next);
            }
            copy(room.rings().values, done + index, room.values(done + index), kv.values, place);
            place = next;
        }
        done += tiles;
    }

    // After all tiles of lanes.
    __device__ __forceinline__ void finish()
    {
        if (begun)
        {
            cp_async_wait<0>();
            hand_over();
        }
    }
};
