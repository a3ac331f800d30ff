// Means of attention over spans of tokens. A query part is some rows of one span (or a single token); a key tile holds the keys of some
// key parts, a key part being keys of one span that lie in one tile (or a single token). attention_tap computes the scores of a query
// part and a key tile once more, turns them into probabilities with the statistics that attention.cu left, and writes for each key part
// their sum over rows, keys and heads; attention_tap_reduce adds those up in a fixed order, so that equal calls give equal bits.
#include "paged.h"

constexpr int kSide = 16;

// As TapArguments in AttentionArguments.cs.
template <typename T>
struct TapArguments
{
    KvView<T> kv;
    const float* query;    // [rows, heads, headDim]
    const float* stats;    // [rows, heads, 2]
    const int* pages;      // page table of the sequence
    const int* queryParts; // [queryParts][2]: first row of the batch, rows
    const int* keyTiles;   // [tiles][2][Keys]: position of each key (-1: none), key part of each key
    float* sums;           // [planes][queryParts][keyParts]
    int heads;
    int headsEach;         // heads that a plane sums: all of them, or one
    int start;             // position of row firstRow
    int firstRow;
    int length;
    int keyParts;
};

// Grid (query parts, key tiles, planes), 256 threads as 16 x 16.
template <int HeadDim, int Lanes, int Keys, typename T>
__device__ __forceinline__ void attention_tap(const TapArguments<T>& a)
{
    constexpr int Stride = HeadDim + 1;
    constexpr int LanesEach = Lanes / kSide, KeysEach = Keys / kSide;
    __shared__ float queries[Lanes * Stride];
    __shared__ float keys[Keys * Stride];
    __shared__ float columns[kSide * Keys];

    const KvView<T>& kv = a.kv;
    int firstRow = a.queryParts[2 * blockIdx.x], rows = a.queryParts[2 * blockIdx.x + 1];
    const int* positions = a.keyTiles + blockIdx.y * 2 * Keys;
    const int* parts = positions + Keys;
    int group = a.heads / kv.kvHeads;
    int firstHead = blockIdx.z * a.headsEach, endHead = firstHead + a.headsEach;
    int ty = threadIdx.x / kSide, tx = threadIdx.x % kSide;
    float sums[KeysEach] = {};

    // Keys ascend in a tile, so the first one tells whether any is seen.
    bool seen = !kv.causal || positions[0] <= a.start + firstRow + rows - 1 - a.firstRow;
    for (int kvHead = firstHead / group; seen && kvHead * group < endHead; kvHead++)
    {
        int low = kvHead * group > firstHead ? kvHead * group : firstHead;
        int heads = ((kvHead + 1) * group < endHead ? (kvHead + 1) * group : endHead) - low;
        for (int k = ty; k < Keys; k += kSide)
        {
            bool there = positions[k] >= 0;
            const T* source = kv.keys + (there ? kv_offset(kv, a.pages, positions[k], kvHead) : 0);
            for (int d = tx; d < kv.headDim; d += kSide)
            {
                keys[k * Stride + d] = there ? widen(source[d]) : 0.f;
            }
        }
        for (int firstLane = 0; firstLane < rows * heads; firstLane += Lanes)
        {
            for (int l = ty; l < Lanes; l += kSide)
            {
                bool there = firstLane + l < rows * heads;
                int row = firstRow + (firstLane + l) / heads, head = low + (firstLane + l) % heads;
                const float* source = a.query + ((long long)row * a.heads + head) * kv.headDim;
                for (int d = tx; d < kv.headDim; d += kSide)
                {
                    queries[l * Stride + d] = there ? source[d] * kv.scale : 0.f;
                }
            }
            __syncthreads();
            float scores[LanesEach][KeysEach] = {};
            for (int d = 0; d < kv.headDim; d++)
            {
#pragma unroll
                for (int i = 0; i < LanesEach; i++)
                {
#pragma unroll
                    for (int j = 0; j < KeysEach; j++)
                    {
                        scores[i][j] += queries[(ty + i * kSide) * Stride + d] * keys[(tx + j * kSide) * Stride + d];
                    }
                }
            }
#pragma unroll
            for (int i = 0; i < LanesEach; i++)
            {
                int lane = firstLane + ty + i * kSide;
                if (lane >= rows * heads)
                {
                    continue;
                }
                int row = firstRow + lane / heads, head = low + lane % heads;
                int position = a.start + row - a.firstRow;
                const float* stats = a.stats + ((long long)row * a.heads + head) * 2;
#pragma unroll
                for (int j = 0; j < KeysEach; j++)
                {
                    int key = positions[tx + j * kSide];
                    if (key >= first_key(kv, position) && key < end_key(kv, position, a.length))
                    {
                        sums[j] += exponential(scores[i][j] - stats[0]) * stats[1];
                    }
                }
            }
            __syncthreads();
        }
    }
#pragma unroll
    for (int j = 0; j < KeysEach; j++)
    {
        columns[ty * Keys + tx + j * kSide] = sums[j];
    }
    __syncthreads();
    int part = threadIdx.x < Keys && positions[threadIdx.x] >= 0 ? parts[threadIdx.x] : -1;
    if (part < 0 || (threadIdx.x > 0 && parts[threadIdx.x - 1] == part))
    {
        return;
    }
    float sum = 0;
    for (int k = threadIdx.x; k < Keys && positions[k] >= 0 && parts[k] == part; k++)
    {
        for (int y = 0; y < kSide; y++)
        {
            sum += columns[y * Keys + k];
        }
    }
    a.sums[((long long)blockIdx.z * gridDim.x + blockIdx.x) * a.keyParts + part] = sum;
}

#define ATTENTION_TAP(headDim, lanes, keys)                                                                                         \
    extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_tap_##headDim##_f32(TapArguments<float> a)                 \
    {                                                                                                                               \
        attention_tap<headDim, lanes, keys>(a);                                                                                     \
    }                                                                                                                               \
    extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_tap_##headDim##_bf16(TapArguments<BFloat16> a)             \
    {                                                                                                                               \
        attention_tap<headDim, lanes, keys>(a);                                                                                     \
    }

ATTENTION_TAP(64, 32, 32)
ATTENTION_TAP(128, 32, 32)
ATTENTION_TAP(256, 16, 16)

// target[plane][q][k] += sum over the parts of q and k / (tokens of q * tokens of k * heads of a plane), by Width threads.
// queries [queryCount][3] and keys [keyCount][3]: first part, parts, tokens. Grid (.., planes).
template <int Width>
__device__ __forceinline__ void attention_tap_reduce(
    const float* sums, int queryParts, int keyParts, const int* queries, int queryCount, const int* keys, int keyCount, int headsEach,
    float* target)
{
    long long element = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / Width;
    if (element >= (long long)queryCount * keyCount)
    {
        return;
    }
    const int* query = queries + element / keyCount * 3;
    const int* key = keys + element % keyCount * 3;
    int lane = threadIdx.x % Width;
    float sum = 0;
    for (int q = query[0]; q < query[0] + query[1]; q++)
    {
        const float* row = sums + ((long long)blockIdx.y * queryParts + q) * keyParts;
        for (int k = key[0] + lane; k < key[0] + key[1]; k += Width)
        {
            sum += row[k];
        }
    }
    if constexpr (Width > 1)
    {
        sum = lanes_sum(sum, Width);
    }
    if (lane == 0)
    {
        target[(long long)blockIdx.y * queryCount * keyCount + element] += sum / ((float)query[2] * (float)key[2] * (float)headsEach);
    }
}

#define ATTENTION_TAP_REDUCE(width)                                                                                                 \
    extern "C" __global__ void attention_tap_reduce_##width(                                                                        \
        const float* sums, int queryParts, int keyParts, const int* queries, int queryCount, const int* keys, int keyCount,         \
        int headsEach, float* target)                                                                                               \
    {                                                                                                                               \
        attention_tap_reduce<width>(sums, queryParts, keyParts, queries, queryCount, keys, keyCount, headsEach, target);            \
    }

ATTENTION_TAP_REDUCE(1)
ATTENTION_TAP_REDUCE(32)
