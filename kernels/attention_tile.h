// What the kernels of attention over a paged cache have in common: their arguments, and tiles of lanes. A lane is a row of a sequence and
// one query head of the KV head's group, so that grouped queries share what is loaded.
// query and output [rows, heads, headDim]; output may be null where only taps are wanted (tap.h): no value is read then.
// sequences [n][4]: first row, rows, position of the first row, offset of its page table in pages. tiles [m][2]: sequence, tile of it.
// Grid (tiles, kvHeads, splits); with taps that of for_tiles_of_block in tap.h. Where few tiles would leave the device idle (decode), the keys of a tile are split among blocks, which
// leave their part of the result in partResults [splits, rows, heads, headDim] and the maximum and sum of it in partStats [splits, rows,
// heads, 2]; attention_merge of attention.cu puts the parts together.
#pragma once

#include "paged.h"

// As AttentionArguments in AttentionArguments.cs; T: type of the cache.
template <typename T>
struct AttentionArguments
{
    KvView<T> kv;
    const float* query;
    float* output;
    const int* sequences;
    const int* pages;
    const int* tiles;
    float* partResults; // null unless split
    float* partStats;
    int heads;
    int rows;
};

// A tile of lanes of one sequence and one KV head.
struct LaneTile
{
    const int* pages;
    int firstRow, start, length, firstLane, lanes, group, heads, kvHead;

    template <typename T>
    __device__ __forceinline__ LaneTile(const AttentionArguments<T>& a, int lanesEach, int tile, int head) : kvHead(head)
    {
        const int* sequence = a.sequences + a.tiles[2 * tile] * 4;
        firstRow = sequence[0];
        start = sequence[2];
        length = start + sequence[1];
        pages = a.pages + sequence[3];
        heads = a.heads;
        group = heads / a.kv.kvHeads;
        firstLane = a.tiles[2 * tile + 1] * lanesEach;
        int left = sequence[1] * group - firstLane;
        lanes = left < lanesEach ? left : lanesEach;
    }

    __device__ __forceinline__ int position(int lane) const { return start + (firstLane + lane) / group; }

    // Index of the lane's row and head among all.
    __device__ __forceinline__ long long place(int lane) const
    {
        return (long long)(firstRow + (firstLane + lane) / group) * heads + kvHead * group + (firstLane + lane) % group;
    }
};
