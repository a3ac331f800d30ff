// Rotary embedding of queries and keys, in place, and the write of keys and values to their slots of the KV cache (Su et al. 2021).
// Pairs are (i, i + headDim / 2). One block a row and a part of its heads: the first `heads` are queries, the next kvHeads keys, and the
// last kvHeads values.
// query [rows, heads, headDim], key and value [rows, kvHeads, headDim] (value may be null), cos and sin [rows, headDim / 2];
// slots [rows]: page * pageTokens + place in the page, or -1 for a row of no sequence; keys and values: one layer of the cache
// [pages, kvHeads, pageTokens, headDim] of float, or of BFloat16, rounded to nearest. Grid (rows), any number of threads.
#include "common.h"
#include "tensor_cores.h"

__device__ __forceinline__ void store(float* to, float value) { *to = value; }
__device__ __forceinline__ void store(BFloat16* to, float value) { to->bits = (unsigned short)pack_bf16(value, 0.f); }

template <typename T>
__device__ __forceinline__ void rotate_and_store(
    float* query, float* key, const float* value, const float* cos, const float* sin, const int* slots, T* keys, T* values,
    int heads, int kvHeads, int headDim, int pageTokens)
{
    long long row = blockIdx.x;
    int half = headDim / 2;
    int slot = slots[row];
    int page = slot / pageTokens, place = slot % pageTokens;
    int count = (heads + kvHeads + (value ? kvHeads : 0)) * half;
    for (int e = threadIdx.x; e < count; e += blockDim.x)
    {
        int head = e / half, i = e % half;
        int kvHead = head < heads ? 0 : head < heads + kvHeads ? head - heads : head - heads - kvHeads;
        long long to = (((long long)page * kvHeads + kvHead) * pageTokens + place) * headDim + i;
        if (head >= heads + kvHeads)
        {
            const float* from = value + (row * kvHeads + kvHead) * headDim + i;
            if (slot >= 0)
            {
                store(values + to, from[0]);
                store(values + to + half, from[half]);
            }
            continue;
        }
        float* x = head < heads ? query + (row * heads + head) * headDim + i : key + (row * kvHeads + kvHead) * headDim + i;
        float c = cos[row * half + i], s = sin[row * half + i];
        float low = x[0], high = x[half];
        x[0] = low * c - high * s;
        x[half] = high * c + low * s;
        if (head >= heads && slot >= 0)
        {
            store(keys + to, x[0]);
            store(keys + to + half, x[half]);
        }
    }
}

extern "C" __global__ void rotate_and_store_f32(
    float* query, float* key, const float* value, const float* cos, const float* sin, const int* slots, float* keys, float* values,
    int heads, int kvHeads, int headDim, int pageTokens)
{
    rotate_and_store(query, key, value, cos, sin, slots, keys, values, heads, kvHeads, headDim, pageTokens);
}

extern "C" __global__ void rotate_and_store_bf16(
    float* query, float* key, const float* value, const float* cos, const float* sin, const int* slots, BFloat16* keys, BFloat16* values,
    int heads, int kvHeads, int headDim, int pageTokens)
{
    rotate_and_store(query, key, value, cos, sin, slots, keys, values, heads, kvHeads, headDim, pageTokens);
}
