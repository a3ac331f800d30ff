// Means over spans from the sums of tap.h.
#include "common.h"

// target[plane][q][k] += sum over `planesEach` planes and the parts of q and k / (tokens of q * tokens of k * heads), by Width threads.
// sums [planes][queryParts][keyParts]; queries [queryCount][3] and keys [keyCount][3]: first part, parts, tokens; heads: those that a mean
// is over. Grid (.., planes of the target).
template <int Width>
__device__ __forceinline__ void tap_reduce(
    const float* sums, int planesEach, int queryParts, int keyParts, const int* queries, int queryCount, const int* keys, int keyCount,
    int heads, float* target)
{
    long long element = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / Width;
    if (element >= (long long)queryCount * keyCount)
    {
        return;
    }
    const int* query = queries + element / keyCount * 3;
    const int* key = keys + element % keyCount * 3;
    const float* first = sums + ((long long)blockIdx.y * planesEach * queryParts + query[0]) * keyParts + key[0];
    int lane = threadIdx.x % Width;
    float sum = 0;
    // Rows of sums: the query parts of each plane.
    for (int row = lane; row < planesEach * query[1]; row += Width)
    {
        const float* from = first + ((long long)(row / query[1]) * queryParts + row % query[1]) * keyParts;
        for (int k = 0; k < key[1]; k++)
        {
            sum += from[k];
        }
    }
    if constexpr (Width > 1)
    {
        sum = lanes_sum(sum, Width);
    }
    if (lane == 0)
    {
        target[(long long)blockIdx.y * queryCount * keyCount + element] += sum / ((float)query[2] * (float)key[2] * (float)heads);
    }
}

#define TAP_REDUCE(width)                                                                                                           \
    extern "C" __global__ void tap_reduce_##width(                                                                                  \
        const float* sums, int planesEach, int queryParts, int keyParts, const int* queries, int queryCount, const int* keys,       \
        int keyCount, int heads, float* target)                                                                                     \
    {                                                                                                                               \
        tap_reduce<width>(sums, planesEach, queryParts, keyParts, queries, queryCount, keys, keyCount, heads, target);              \
    }

TAP_REDUCE(1)
TAP_REDUCE(32)
