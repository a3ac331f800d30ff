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

// The same for int8 (linear_few_int8.cu): table [vocab, groups * 32], scales [vocab, groups].
extern "C" __global__ void embed_int8(const signed char* table, const unsigned short* scales, const int* ids, float* y, int hidden)
{
    int groups = (hidden + 31) / 32;
    const signed char* row = table + (long long)ids[blockIdx.x] * groups * 32;
    scales += (long long)ids[blockIdx.x] * groups;
    y += (long long)blockIdx.x * hidden;
    for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    {
        y[i] = (float)row[i] * float_from_half(scales[i / 32]);
    }
}
