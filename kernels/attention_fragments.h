// Tiles of attention as fragments of mma: what attention_mma.cu is made of. Queries, keys and values lie in shared memory in rows of
// 2 * HeadDim + 16 bytes; a warp has 16 RowTiles lanes, and of a tile of keys kOwnKeys.
#pragma once

#include "tap_fragments.h"
#include "tensor_cores.h"

struct alignas(16) Words
{
    unsigned pairs[4];
};

template <int HeadDim, int RowTiles, int WarpsDown, int WarpsAcross, int Keys>
struct FormOf
{
    static constexpr int kThreads = 32 * WarpsDown * WarpsAcross;
    static constexpr int kLanes = 16 * RowTiles * WarpsDown;
    static constexpr int kRow = 2 * HeadDim + 16; // bytes: eight rows begin in eight different groups of banks
    static constexpr int kOwnKeys = Keys / WarpsAcross;
    static constexpr int kChunks = HeadDim / 8; // of 16 bytes in a row
};

// The queries of the tile, rounded, to room [lanes][row]; zeros beyond the lanes and the head.
template <typename Form>
__device__ __forceinline__ void load_queries(const AttentionArguments<BFloat16>& a, const LaneTile& tile, unsigned char* room)
{
    for (int e = threadIdx.x; e < Form::kLanes * Form::kChunks; e += Form::kThreads)
    {
        int l = e / Form::kChunks, chunk = e % Form::kChunks;
        bool there = l < tile.lanes && 8 * chunk < a.kv.headDim;
        const float* source = a.query + (there ? tile.place(l) * a.kv.headDim + 8 * chunk : 0);
        Words words;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            words.pairs[i] = there ? pack_bf16(source[2 * i], source[2 * i + 1]) : 0;
        }
        *reinterpret_cast<Words*>(room + l * Form::kRow + 16 * chunk) = words;
    }
}

// What a warp knows of its lanes. A thread holds halves 2 i and 2 i + 1 of row tile i: lanes 16 i + lane / 4 and 8 further. maximum: of
// the scores times log2 e.
template <int RowTiles, int Elements>
struct Running
{
    float maximum[RowTiles][2], sum[RowTiles][2], result[RowTiles][Elements / 8][4];

    __device__ __forceinline__ Running()
    {
#pragma unroll
        for (int i = 0; i < RowTiles; i++)
        {
            maximum[i][0] = maximum[i][1] = -kInfinity;
            sum[i][0] = sum[i][1] = 0;
#pragma unroll
            for (int n = 0; n < Elements / 8; n++)
            {
                result[i][n][0] = result[i][n][1] = result[i][n][2] = result[i][n][3] = 0;
            }
        }
    }
};

// scores += queries keys^T, of rows of shared memory.
template <typename Form, int RowTiles>
__device__ __forceinline__ void multiply_keys(
    const unsigned char* queries, const unsigned char* keys, float (&scores)[RowTiles][Form::kOwnKeys / 8][4])
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < Form::kChunks / 2; step++)
    {
        unsigned q[RowTiles][4];
#pragma unroll
        for (int i = 0; i < RowTiles; i++)
        {
            ldmatrix_x4(q[i], queries + (16 * i + lane % 16) * Form::kRow + 16 * (2 * step + lane / 16));
        }
#pragma unroll
        for (int n = 0; n < Form::kOwnKeys / 16; n++)
        {
            unsigned k[4];
            ldmatrix_x4(k, keys + (16 * n + lane % 8 + lane / 16 * 8) * Form::kRow + 16 * (2 * step + lane / 8 % 2));
            const unsigned low[2] = {k[0], k[1]}, high[2] = {k[2], k[3]};
#pragma unroll
            for (int i = 0; i < RowTiles; i++)
            {
                mma_bf16(scores[i][2 * n], q[i], low);
                mma_bf16(scores[i][2 * n + 1], q[i], high);
            }
        }
    }
}

// results += weights values.
template <typename Form, int RowTiles, int Elements>
__device__ __forceinline__ void multiply_values(
    const unsigned (&weights)[RowTiles][Form::kOwnKeys / 16][4], const unsigned char* values, float (&results)[RowTiles][Elements / 8][4])
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < Form::kOwnKeys / 16; step++)
    {
#pragma unroll
        for (int n = 0; n < Form::kChunks / 2; n++)
        {
            unsigned v[4];
            ldmatrix_x4_trans(v, values + (16 * step + lane % 16) * Form::kRow + 16 * (2 * n + lane / 16));
            const unsigned low[2] = {v[0], v[1]}, high[2] = {v[2], v[3]};
#pragma unroll
            for (int i = 0; i < RowTiles; i++)
            {
                mma_bf16(results[i][2 * n], weights[i][step], low);
                mma_bf16(results[i][2 * n + 1], weights[i][step], high);
            }
        }
    }
}

// Scores to weights, as fragments of the left side of a product; hides what the mask hides of keys [key, key + kOwnKeys), and lets the
// running maximum, sum and result follow, and the taps. lanes: first lane of the warp.
template <typename Form, int RowTiles, int Elements, typename Taps>
__device__ __forceinline__ void weigh(
    const KvView<BFloat16>& kv, const LaneTile& tile, int lanes, int key, bool masked, float (&scores)[RowTiles][Form::kOwnKeys / 8][4],
    Running<RowTiles, Elements>& running, unsigned (&weights)[RowTiles][Form::kOwnKeys / 16][4], Taps& tap)
{
    constexpr bool kTapped = !__is_same(Taps, NoTaps);
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < RowTiles; i++)
    {
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            int own = lanes + 16 * i + 8 * half + lane / 4;
            int first = 0, end = 0;
            if (masked && own < tile.lanes)
            {
                first = first_key(kv, tile.position(own));
                end = end_key(kv, tile.position(own), tile.length);
            }
            float largest = -kInfinity;
#pragma unroll
            for (int n = 0; n < Form::kOwnKeys / 8; n++)
            {
#pragma unroll
                for (int c = 0; c < 2; c++)
                {
                    float& score = scores[i][n][2 * half + c];
                    int k = key + 8 * n + 2 * (lane % 4) + c;
                    score = !masked || (k >= first && k < end) ? score * kv.scale : -kInfinity;
                    largest = score > largest ? score : largest;
                }
            }
            // Rounded before anything is subtracted, so that the factor of a maximum that stays is 1.
            float before = running.maximum[i][half];
            largest = rounded_product(lanes_max(largest, 4), kLog2E);
            largest = largest > before ? largest : before;
            float factor = exp2_fast(before - (largest == -kInfinity ? 0.f : largest));
            running.maximum[i][half] = largest;
            running.sum[i][half] *= factor;
            if constexpr (kTapped)
            {
                tap.sums[i][half] *= factor;
            }
#pragma unroll
            for (int n = 0; n < Elements / 8; n++)
            {
                running.result[i][n][2 * half] *= factor;
                running.result[i][n][2 * half + 1] *= factor;
            }
        }
    }
#pragma unroll
    for (int n = 0; n < Form::kOwnKeys / 8; n++)
    {
        float pairs[RowTiles][2][1][2];
#pragma unroll
        for (int i = 0; i < RowTiles; i++)
        {
#pragma unroll
            for (int half = 0; half < 2; half++)
            {
                float offset = running.maximum[i][half] == -kInfinity ? 0.f : running.maximum[i][half];
#pragma unroll
                for (int c = 0; c < 2; c++)
                {
                    pairs[i][half][0][c] = exp2_fast(scores[i][n][2 * half + c] * kLog2E - offset);
                }
                running.sum[i][half] += pairs[i][half][0][0] + pairs[i][half][0][1];
                weights[i][n / 2][n % 2 * 2 + half] = pack_bf16(pairs[i][half][0][0], pairs[i][half][0][1]);
            }
        }
        if constexpr (kTapped)
        {
            tap.add(key + 8 * n, pairs, running.maximum);
        }
    }
}
