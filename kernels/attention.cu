// Softmax attention over a paged cache for a ragged batch, streaming (Milakov and Gimelshein 2018; Dao et al. 2022): a block holds a tile
// of lanes and passes over the keys once, with a running maximum and sum. A lane is a row of a sequence and one query head of the KV
// head's group, so that grouped queries share what is loaded.
// query and output [rows, heads, headDim]; stats [rows, heads, 2]: maximum of the scores and 1 / sum of their exponentials, from which
// the taps compute probabilities. output may be null (no value is read then), and so may stats.
// sequences [n][4]: first row, rows, position of the first row, offset of its page table in pages. tiles [m][2]: sequence, tile of it.
// Grid (tiles, kvHeads), 256 threads as 16 x 16: 16 groups of lanes, and 16 columns of keys or of elements of a head.
#include "paged.h"

constexpr int kSide = 16;

// As AttentionArguments in AttentionArguments.cs.
struct AttentionArguments
{
    KvView kv;
    const float* query;
    float* output;
    float* stats;
    const int* sequences;
    const int* pages;
    const int* tiles;
    int heads;
};

// Copies keys or values [start, start + Keys) below end to room [Keys][Stride]; zeros beyond.
template <int Keys, int Stride>
__device__ __forceinline__ void load_keys(const KvView& kv, const float* from, const int* pages, int kvHead, int start, int end, float* room)
{
    for (int k = threadIdx.x / kSide; k < Keys; k += kSide)
    {
        bool there = start + k < end;
        const float* source = from + (there ? kv_offset(kv, pages, start + k, kvHead) : 0);
        for (int d = threadIdx.x % kSide; d < kv.headDim; d += kSide)
        {
            room[k * Stride + d] = there ? source[d] : 0.f;
        }
    }
}

template <int HeadDim, int Lanes, int Keys>
__device__ __forceinline__ void attention(const AttentionArguments& a)
{
    constexpr int Stride = HeadDim + 1;
    constexpr int LanesEach = Lanes / kSide, KeysEach = Keys / kSide, ElementsEach = HeadDim / kSide;
    __shared__ float queries[Lanes * Stride];
    __shared__ float tokens[Keys * Stride]; // keys, then values
    __shared__ float weights[Lanes * (Keys + 1)];

    const KvView& kv = a.kv;
    const int* sequence = a.sequences + a.tiles[2 * blockIdx.x] * 4;
    int firstRow = sequence[0], rows = sequence[1], start = sequence[2], length = start + rows;
    const int* pages = a.pages + sequence[3];
    int group = a.heads / kv.kvHeads, kvHead = blockIdx.y;
    int firstLane = a.tiles[2 * blockIdx.x + 1] * Lanes;
    int lanes = rows * group - firstLane < Lanes ? rows * group - firstLane : Lanes;
    int ty = threadIdx.x / kSide, tx = threadIdx.x % kSide;

    for (int l = ty; l < Lanes; l += kSide)
    {
        int row = (firstLane + l) / group, head = kvHead * group + (firstLane + l) % group;
        const float* source = a.query + ((long long)(firstRow + row) * a.heads + head) * kv.headDim;
        for (int d = tx; d < kv.headDim; d += kSide)
        {
            queries[l * Stride + d] = l < lanes ? source[d] * kv.scale : 0.f;
        }
    }
    float maximum[LanesEach], sum[LanesEach], result[LanesEach][ElementsEach];
    int firstKey[LanesEach], endKey[LanesEach];
#pragma unroll
    for (int i = 0; i < LanesEach; i++)
    {
        int lane = ty + i * kSide;
        int position = start + (firstLane + lane) / group;
        firstKey[i] = first_key(kv, position);
        endKey[i] = lane < lanes ? end_key(kv, position, length) : 0;
        maximum[i] = -kInfinity;
        sum[i] = 0;
#pragma unroll
        for (int j = 0; j < ElementsEach; j++)
        {
            result[i][j] = 0;
        }
    }
    int first = first_key(kv, start + firstLane / group);
    int end = end_key(kv, start + (firstLane + lanes - 1) / group, length);
    for (int key = first; key < end; key += Keys)
    {
        load_keys<Keys, Stride>(kv, kv.keys, pages, kvHead, key, end, tokens);
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
                    scores[i][j] += queries[(ty + i * kSide) * Stride + d] * tokens[(tx + j * kSide) * Stride + d];
                }
            }
        }
        float factor[LanesEach];
#pragma unroll
        for (int i = 0; i < LanesEach; i++)
        {
            float largest = maximum[i];
#pragma unroll
            for (int j = 0; j < KeysEach; j++)
            {
                int k = key + tx + j * kSide;
                scores[i][j] = k >= firstKey[i] && k < endKey[i] ? scores[i][j] : -kInfinity;
                largest = scores[i][j] > largest ? scores[i][j] : largest;
            }
            largest = lanes_max(largest, kSide);
            factor[i] = maximum[i] == largest ? 1.f : exponential(maximum[i] - largest);
            maximum[i] = largest;
            sum[i] *= factor[i];
#pragma unroll
            for (int j = 0; j < KeysEach; j++)
            {
                float weight = scores[i][j] == -kInfinity ? 0.f : exponential(scores[i][j] - largest);
                sum[i] += weight;
                weights[(ty + i * kSide) * (Keys + 1) + tx + j * kSide] = weight;
            }
        }
        __syncthreads();
        if (a.output)
        {
            load_keys<Keys, Stride>(kv, kv.values, pages, kvHead, key, end, tokens);
            __syncthreads();
#pragma unroll
            for (int i = 0; i < LanesEach; i++)
            {
#pragma unroll
                for (int j = 0; j < ElementsEach; j++)
                {
                    result[i][j] *= factor[i];
                }
            }
            for (int k = 0; k < Keys; k++)
            {
#pragma unroll
                for (int i = 0; i < LanesEach; i++)
                {
                    float weight = weights[(ty + i * kSide) * (Keys + 1) + k];
#pragma unroll
                    for (int j = 0; j < ElementsEach; j++)
                    {
                        // Elements beyond the head are whatever was there; they are never written out.
                        result[i][j] += weight * tokens[k * Stride + tx + j * kSide];
                    }
                }
            }
            __syncthreads();
        }
    }
#pragma unroll
    for (int i = 0; i < LanesEach; i++)
    {
        float inverse = 1.f / lanes_sum(sum[i], kSide);
        int lane = ty + i * kSide;
        if (lane >= lanes)
        {
            continue;
        }
        int row = (firstLane + lane) / group, head = kvHead * group + (firstLane + lane) % group;
        long long place = (long long)(firstRow + row) * a.heads + head;
#pragma unroll
        for (int j = 0; j < ElementsEach; j++)
        {
            if (a.output && tx + j * kSide < kv.headDim)
            {
                a.output[place * kv.headDim + tx + j * kSide] = result[i][j] * inverse;
            }
        }
        if (a.stats && tx == 0)
        {
            a.stats[2 * place] = maximum[i];
            a.stats[2 * place + 1] = inverse;
        }
    }
}

extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_64(AttentionArguments a) { attention<64, 64, 32>(a); }
extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_128(AttentionArguments a) { attention<128, 32, 32>(a); }
extern "C" __global__ void __launch_bounds__(kSide* kSide) attention_256(AttentionArguments a) { attention<256, 16, 16>(a); }
