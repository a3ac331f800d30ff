// Means of attention over spans of tokens, summed while attention streams over the keys. Positions of a sequence are cut into pieces: what
// lies in one span, a single token, and the gaps between. A block with a tile of lanes (attention_tile.h) sums up the weights of each of
// its lanes over the keys of a piece and puts the sum away when the piece ends, in room of its own [key parts][lanes]; a key part is a
// piece that is wanted. At its end it knows the maxima and sums of its lanes, turns what lies there into probabilities, and writes for
// each query part (the lanes of the tile that belong to one piece) and each key part their sum. tap_reduce of tap_reduce.cu adds those up
// in a fixed order, so that equal calls give equal bits.
#pragma once

#include "attention_tile.h"

// As TapArguments in TapArguments.cs.
struct TapArguments
{
    const int* sequences; // [n][kTapInts] of TapSequence
    const int* tiles;     // [tiles][2]: first query part of the tile, number of them
    const int* parts;     // [query parts][2]: lanes [begin, end) of the tile
    const int* pieces;    // [..][2]: end of the piece, and its key part, or -1 - (the next one) where it is not wanted
    float* room;          // [blocks][roomParts][lanes of a tile]
    float* sums;          // for each sequence [planes][query parts][key parts]; a plane is a KV head, or a head
    int tileCount;
    int firstKvHead;
    int kvHeads;          // of this launch
    int roomParts;        // the most key parts of a sequence
};

constexpr int kTapInts = 7;

// What a tile of lanes sums up.
struct TapTile
{
    const int* pieces;
    const int* parts; // of the tile
    float* sums;
    long long plane;  // elements
    int tileParts, keyParts, headsApart;

    __device__ __forceinline__ TapTile(const TapArguments& tap, int sequence, int tile, int kvHead, int group)
    {
        const int* s = tap.sequences + sequence * kTapInts;
        int first = tap.tiles[2 * tile], firstOfSequence = s[1], queryParts = s[2];
        pieces = tap.pieces + 2 * s[0];
        tileParts = tap.tiles[2 * tile + 1];
        keyParts = s[3];
        headsApart = s[4];
        parts = tap.parts + 2 * first;
        plane = (long long)queryParts * keyParts;
        long long offset = (unsigned)s[5] | (long long)s[6] << 32;
        sums = tap.sums + offset * tap.kvHeads + (kvHead - tap.firstKvHead) * (headsApart ? group : 1) * plane
            + (long long)(first - firstOfSequence) * keyParts;
    }
};

// Which piece the keys have come to; the same in all threads of a warp.
struct PieceWalk
{
    const int* next;
    int end, part;

    // At the piece of a key.
    __device__ __forceinline__ PieceWalk(const int* pieces, int key) : next(pieces)
    {
        do
        {
            advance();
        } while (end <= key);
    }

    __device__ __forceinline__ void advance()
    {
        end = next[0];
        part = next[1];
        next += 2;
    }

    // The first key part that is not before this piece.
    __device__ __forceinline__ int part_from() const { return part < 0 ? -1 - part : part; }

    // The first one behind it.
    __device__ __forceinline__ int part_behind() const { return part < 0 ? -1 - part : part + 1; }
};

// What one lane has put away: room[part * Lanes]. Weights are b^(score - running maximum), in any base b; what is put away is in units of
// b^base. The maximum only grows; before it has grown so far that sums would overflow, all of them are brought to another base. Power has
// b^x as of(x), and ln b as kLog.
template <int Lanes, typename Power>
struct PutAway
{
    static constexpr float kMost = 60.f; // e^60 and 2^60 leave room for a sum of 2^31 weights

    float* room;
    float base = -kInfinity;

    // first: the part that this block began with.
    __device__ __forceinline__ void put(int first, int part, float sum, float maximum)
    {
        follow(first, part, maximum);
        room[(long long)part * Lanes] = maximum == -kInfinity ? 0.f : sum * ratio(maximum, base);
    }

    // What turns sums that were put away into probabilities; to be called after the last of them. total: the sum of all weights.
    __device__ __forceinline__ float factor(int first, int part, float maximum, float total)
    {
        follow(first, part, maximum);
        return total > 0 ? ratio(base, maximum) / total : 0.f;
    }

private:
    // b^(x - y), with what the difference lacks in float32 (Knuth's exact sum): it would be as much as tapped probabilities may be off.
    static __device__ __forceinline__ float ratio(float x, float y)
    {
        float difference = x - y, part = difference - x;
        float rest = (x - (difference - part)) - (y + part);
        float power = Power::of(difference);
        return power + power * (rest * Power::kLog);
    }

    __device__ __forceinline__ void follow(int first, int part, float maximum)
    {
        if (maximum - base > kMost && base != -kInfinity)
        {
            float factor = ratio(base, maximum);
            for (int p = first; p < part; p++)
            {
                room[(long long)p * Lanes] *= factor;
            }
            base = maximum;
        }
        base = base == -kInfinity ? maximum : base;
    }
};

// In place of a kernel's sums, where nothing is tapped.
struct NoTaps
{
};

template <bool Tapped, typename Taps, typename... Arguments>
__device__ __forceinline__ auto tap_where(Arguments... arguments)
{
    if constexpr (Tapped)
    {
        return Taps(arguments...);
    }
    else
    {
        return NoTaps();
    }
}

// The sums of a tile of lanes, from those that its threads have put away of key parts [first, end), to tap.sums. factors [Lanes] and stage
// [32][Lanes + 1] are shared memory. By `Threads` threads, numbered `thread`, which meet by barrier() before use of the factors and at the
// end.
template <int Lanes, int Threads, typename Barrier>
__device__ __forceinline__ void write_tap(
    const TapTile& tap, const LaneTile& tile, const float* room, int first, int end, const float* factors, float* stage, int thread,
    Barrier barrier)
{
    constexpr int kParts = 32;
    int planes = tap.headsApart ? tile.group : 1;
    barrier();
    for (int start = 0; start < tap.keyParts; start += kParts)
    {
        for (int e = thread; e < kParts * Lanes; e += Threads)
        {
            int part = start + e / Lanes, lane = e % Lanes;
            bool there = part >= first && part < end && lane < tile.lanes;
            stage[e / Lanes * (Lanes + 1) + lane] = there ? room[(long long)part * Lanes + lane] * factors[lane] : 0.f;
        }
        barrier();
        for (int e = thread; e < kParts * planes * tap.tileParts; e += Threads)
        {
            int key = e % kParts, query = e / kParts % tap.tileParts, plane = e / kParts / tap.tileParts;
            int lane = tap.parts[2 * query], endLane = tap.parts[2 * query + 1];
            // With heads apart the lanes of one head, which are a group apart.
            lane += planes == 1 ? 0 : (plane + tile.group - (tile.firstLane + lane) % tile.group) % tile.group;
            float sum = 0;
            for (; lane < endLane; lane += planes)
            {
                sum += stage[key * (Lanes + 1) + lane];
            }
            if (start + key < tap.keyParts)
            {
                tap.sums[plane * tap.plane + (long long)query * tap.keyParts + start + key] = sum;
            }
        }
        barrier();
    }
}

// The tiles of lanes of this block, the largest of which come first: blocks take turns there and back, so that all have about as much to do.
struct TapTurns
{
    int tile, kvHead;

    __device__ __forceinline__ explicit TapTurns(const TapArguments& tap) : tap(tap), works(tap.tileCount * tap.kvHeads), first(0), back(false)
    {
    }

    // Whether there is one more, which is then `tile`, for `kvHead`.
    __device__ __forceinline__ bool next()
    {
        int work = works;
        for (; work >= works && first < works; first += gridDim.x, back = !back)
        {
            work = first + (int)(back ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
        }
        tile = work / tap.kvHeads;
        kvHead = tap.firstKvHead + work % tap.kvHeads;
        return work < works;
    }

private:
    const TapArguments& tap;
    int works, first;
    bool back;
};
