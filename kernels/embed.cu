// y[t] = table[ids[t]].
// table [vocab, hidden], ids [tokens], y [tokens, hidden]; grid (tokens), any number of threads.
#include "common.h"

template <typename T>
__device__ __forceinline__ void embed(const T* table, const int* ids, float* y, int hidden)
{
    const T* row = table + (long long)ids[blockIdx.x] * hidden;
    y += (long long)blockIdx.x * hidden;
    for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    {
        y[i] = widen(row[i]);
    }
}

extern "C" __global__ void embed_f32(const float* table, const int* ids, float* y, int hidden) { embed(table, ids, y, hidden); }
extern "C" __global__ void embed_bf16(const BFloat16* table, const int* ids, float* y, int hidden) { embed(table, ids, y, hidden); }
extern "C" __global__ void embed_f16(const Float16* table, const int* ids, float* y, int hidden) { embed(table, ids, y, hidden); }
