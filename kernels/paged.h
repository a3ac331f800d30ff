// The KV cache as attention sees it, and which keys a query sees.
#pragma once

#include "common.h"

// One layer of a paged cache [pages, kvHeads, pageTokens, headDim] and the mask; as KvView in AttentionArguments.cs.
struct KvView
{
    const float* keys;
    const float* values;
    int kvHeads;
    int headDim;
    int pageTokens;
    int causal;
    int window; // 0: none
    float scale;
};

// First element of a head of the token at a position of a sequence.
__device__ __forceinline__ long long kv_offset(const KvView& kv, const int* pages, int position, int kvHead)
{
    long long page = pages[position / kv.pageTokens];
    return ((page * kv.kvHeads + kvHead) * kv.pageTokens + position % kv.pageTokens) * kv.headDim;
}

__device__ __forceinline__ int first_key(const KvView& kv, int position)
{
    return kv.window > 0 && position - kv.window + 1 > 0 ? position - kv.window + 1 : 0;
}

__device__ __forceinline__ int end_key(const KvView& kv, int position, int length)
{
    return kv.causal && position + 1 < length ? position + 1 : length;
}
