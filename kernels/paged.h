// The KV cache as attention sees it, and which keys a query sees.
#pragma once

#include "common.h"

// One layer of a paged cache [pages, kvHeads, pageTokens, headDim] of float or BFloat16 and the mask; as KvView in AttentionArguments.cs.
template <typename T>
struct KvView
{
    const T* keys;
    const T* values;
    int kvHeads;
    int headDim;
    int pageTokens;
    int causal;
    int window; // 0: none
    float scale;
};

// First element of a head of the token at a position of a sequence.
template <typename T>
__device__ __forceinline__ long long kv_offset(const KvView<T>& kv, const int* pages, int position, int kvHead)
{
    long long page = pages[position / kv.pageTokens];
    return ((page * kv.kvHeads + kvHead) * kv.pageTokens + position % kv.pageTokens) * kv.headDim;
}

template <typename T>
__device__ __forceinline__ int first_key(const KvView<T>& kv, int position)
{
    return kv.window > 0 && position - kv.window + 1 > 0 ? position - kv.window + 1 : 0;
}

template <typename T>
__device__ __forceinline__ int end_key(const KvView<T>& kv, int position, int length)
{
    return kv.causal && position + 1 < length ? position + 1 : length;
}
