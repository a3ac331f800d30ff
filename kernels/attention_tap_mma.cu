// Means of attention over spans on tensor cores: attention_tap.cu for a cache of bfloat16 and heads of a multiple of 8 elements. A block
// has a tile of query rows, with all heads of a KV head's group, and a tile of keys. It goes over the KV heads, computes the scores once
// more, turns them into probabilities with the statistics that attention_mma.cu left, and adds them up in registers, in float32; at the
// end it writes for each part of the rows (those of one span, or a single token) and each part of the keys their sum.
// attention_tap_reduce adds those up in a fixed order.
// Queries and keys of a KV head come by cp.async while the one before is computed.
// Shared memory: two stages of (lanes + keys) rows of 2 * HeadDim + 16 bytes.
#include "paged.h"
#include "tensor_cores.h"

constexpr float kLog2E = 1.44269504088896341f;

// As RoundedTapArguments in AttentionArguments.cs.
struct RoundedTapArguments
{
    KvView<BFloat16> kv;
    const BFloat16* query; // [rows, heads, headDim]
    const float* stats;    // [rows, heads, 2]
    const int* pages;      // page table of the sequence
    const int* queryTiles; // [tiles][2][rowsEach]: position of each row (-1: none), query part of each row
    const int* keyTiles;   // [tiles][2][Keys]: position of each key (-1: none), key part of each key
    float* sums;           // [planes][queryParts][keyParts]
    int heads;
    int headsEach;         // heads that a plane sums: all of them, or one
    int rowsEach;          // rows of a query tile: as many as have room with the heads of a group, at least one
    int start;             // position of row firstRow
    int firstRow;
    int length;
    int queryParts;
    int keyParts;
};

// The parts of a tile: `count` of them from `first` on, part p at [begin[p], begin[p + 1]) in the tile.
template <int Most>
struct Parts
{
    int first, count, begin[Most + 1];

    // By all threads, a barrier before use. positions ascend and are -1 where nothing is left.
    __device__ __forceinline__ void find(const int* positions, const int* parts, int each)
    {
        int t = threadIdx.x;
        if (t >= each || positions[t] < 0)
        {
            return;
        }
        bool last = t + 1 == each || positions[t + 1] < 0;
        if (t == 0)
        {
            first = parts[0];
        }
        if (t == 0 || parts[t - 1] != parts[t])
        {
            begin[parts[t] - parts[0]] = t;
        }
        if (last)
        {
            count = parts[t] - parts[0] + 1;
            begin[parts[t] - parts[0] + 1] = t + 1;
        }
    }
};

// Which heads a step computes: those of one KV head, or where they are more than lanes some of them.
struct Step
{
    int kvHead, low, heads;

    template <int Lanes>
    static __device__ __forceinline__ Step of(const RoundedTapArguments& a, int step)
    {
        int group = a.heads / a.kv.kvHeads, first = blockIdx.z * a.headsEach;
        int each = group < a.headsEach ? group : a.headsEach, chunks = (each + Lanes - 1) / Lanes;
        int low = first + step / chunks * each, chunk = step % chunks * Lanes;
        int left = each - chunk;
        return {low / group, low + chunk, left < Lanes ? left : Lanes};
    }

    template <int Lanes>
    static __device__ __forceinline__ int count(const RoundedTapArguments& a)
    {
        int group = a.heads / a.kv.kvHeads;
        int each = group < a.headsEach ? group : a.headsEach;
        return a.headsEach / each * ((each + Lanes - 1) / Lanes);
    }
};

// Grid (query tiles, key tiles, planes). Each warp has 32 lanes and Keys / WarpsAcross keys.
template <int HeadDim, int WarpsDown, int WarpsAcross, int Keys>
__device__ __forceinline__ void attention_tap_mma(const RoundedTapArguments& a)
{
    constexpr int kThreads = 32 * WarpsDown * WarpsAcross, kLanes = 32 * WarpsDown, kOwnKeys = Keys / WarpsAcross;
    constexpr int kRow = 2 * HeadDim + 16, kChunks = HeadDim / 8, kStage = (kLanes + Keys) * kRow;
    static_assert(kLanes <= kThreads && Keys <= kThreads && kLanes * (Keys + 1) * 4 <= 2 * kStage);
    DYNAMIC_SHARED(memory);
    __shared__ int queryPlaces[kLanes];      // row * heads + head of the first step; -1: none
    __shared__ long long keyPlaces[Keys];    // in the first KV head of the cache; -1: none
    __shared__ int keyPositions[Keys];
    __shared__ Parts<kLanes> queryParts;
    __shared__ Parts<Keys> keyParts;

    const KvView<BFloat16>& kv = a.kv;
    const int* rows = a.queryTiles + (long long)blockIdx.x * 2 * a.rowsEach;
    const int* positions = a.keyTiles + (long long)blockIdx.y * 2 * Keys;
    int steps = Step::count<kLanes>(a), lanesEach = Step::of<kLanes>(a, 0).heads;
    if (threadIdx.x < kLanes)
    {
        int r = threadIdx.x / lanesEach;
        int position = r < a.rowsEach ? rows[r] : -1;
        queryPlaces[threadIdx.x] = position < 0 ? -1 : (a.firstRow + position - a.start) * a.heads + (int)threadIdx.x % lanesEach;
    }
    if (threadIdx.x < Keys)
    {
        int position = positions[threadIdx.x];
        keyPositions[threadIdx.x] = position;
        keyPlaces[threadIdx.x] = position < 0 ? -1 : kv_offset(kv, a.pages, position, 0);
    }
    queryParts.find(rows, rows + a.rowsEach, a.rowsEach);
    keyParts.find(positions, positions + Keys, Keys);
    __syncthreads();
    int lastRow = rows[queryParts.begin[queryParts.count] - 1], lastKey = positions[keyParts.begin[keyParts.count] - 1];
    // Positions ascend in a tile, so its ends tell whether any key is seen, and whether all are.
    bool seen = positions[0] < end_key(kv, lastRow, a.length) && lastKey >= first_key(kv, rows[0]);
    bool masked = positions[Keys - 1] < 0 || lastKey >= end_key(kv, rows[0], a.length) || positions[0] < first_key(kv, lastRow);

    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int lanes = warp / WarpsAcross * 32, ownKeys = warp % WarpsAcross * kOwnKeys;
    float sums[2][kOwnKeys / 8][4] = {};
    auto copy = [&](int index)
    {
        if (index < steps)
        {
            Step step = Step::of<kLanes>(a, index);
            unsigned char* stage = memory + index % 2 * kStage;
            for (int e = threadIdx.x; e < kLanes * kChunks; e += kThreads)
            {
                int l = e / kChunks, chunk = e % kChunks;
                int place = queryPlaces[l];
                bool there = place >= 0 && 8 * chunk < kv.headDim && l < a.rowsEach * step.heads;
                const BFloat16* source = a.query + (there ? (long long)(place + step.low) * kv.headDim + 8 * chunk : 0);
                cp_async_16(stage + l * kRow + 16 * chunk, source, there ? 16 : 0);
            }
            stage += kLanes * kRow;
            for (int e = threadIdx.x; e < Keys * kChunks; e += kThreads)
            {
                int k = e / kChunks, chunk = e % kChunks;
                long long place = keyPlaces[k] + (long long)step.kvHead * kv.pageTokens * kv.headDim;
                bool there = keyPlaces[k] >= 0 && 8 * chunk < kv.headDim;
                cp_async_16(stage + k * kRow + 16 * chunk, there ? kv.keys + place + 8 * chunk : kv.keys, there ? 16 : 0);
            }
        }
        cp_async_commit();
    };
    steps = seen ? steps : 0;
    copy(0);
    for (int index = 0; index < steps; index++)
    {
        copy(index + 1);
        cp_async_wait<1>();
        __syncthreads();
        Step step = Step::of<kLanes>(a, index);
        const unsigned char* queries = memory + index % 2 * kStage + lanes * kRow;
        const unsigned char* keys = memory + index % 2 * kStage + (kLanes + ownKeys) * kRow;
        float scores[2][kOwnKeys / 8][4] = {};
#pragma unroll
        for (int depth = 0; depth < kChunks / 2; depth++)
        {
            unsigned q[2][4];
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                ldmatrix_x4(q[i], queries + (16 * i + lane % 16) * kRow + 16 * (2 * depth + lane / 16));
            }
#pragma unroll
            for (int n = 0; n < kOwnKeys / 16; n++)
            {
                unsigned k[4];
                ldmatrix_x4(k, keys + (16 * n + lane % 8 + lane / 16 * 8) * kRow + 16 * (2 * depth + lane / 8 % 2));
                const unsigned low[2] = {k[0], k[1]}, high[2] = {k[2], k[3]};
#pragma unroll
                for (int i = 0; i < 2; i++)
                {
                    mma_bf16(scores[i][2 * n], q[i], low);
                    mma_bf16(scores[i][2 * n + 1], q[i], high);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
#pragma unroll
            for (int half = 0; half < 2; half++)
            {
                int own = lanes + 16 * i + 8 * half + lane / 4;
                int place = queryPlaces[own];
                if (place < 0 || own >= a.rowsEach * step.heads)
                {
                    continue;
                }
                place += step.low;
                int position = place / a.heads - a.firstRow + a.start;
                int first = first_key(kv, position), end = end_key(kv, position, a.length);
                float offset = a.stats[2LL * place] * kLog2E, factor = a.stats[2LL * place + 1];
#pragma unroll
                for (int n = 0; n < kOwnKeys / 8; n++)
                {
#pragma unroll
                    for (int c = 0; c < 2; c++)
                    {
                        int key = masked ? keyPositions[ownKeys + 8 * n + 2 * (lane % 4) + c] : 0;
                        float weight = exp2_fast(scores[i][n][2 * half + c] * kv.scale * kLog2E - offset);
                        sums[i][n][2 * half + c] += !masked || (key >= first && key < end) ? weight * factor : 0.f;
                    }
                }
            }
        }
        __syncthreads();
    }
    // [lanes][Keys + 1], then the sums over the lanes of a part in the row of its first lane.
    float* room = reinterpret_cast<float*>(memory);
    if (seen)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
#pragma unroll
            for (int n = 0; n < kOwnKeys / 8; n++)
            {
#pragma unroll
                for (int c = 0; c < 4; c++)
                {
                    int own = lanes + 16 * i + 8 * (c / 2) + lane / 4, key = ownKeys + 8 * n + 2 * (lane % 4) + c % 2;
                    room[own * (Keys + 1) + key] = sums[i][n][c];
                }
            }
        }
        __syncthreads();
        int key = threadIdx.x % Keys;
        for (int p = threadIdx.x / Keys; p < queryParts.count; p += kThreads / Keys)
        {
            int low = queryParts.begin[p] * lanesEach, end = queryParts.begin[p + 1] * lanesEach;
            float sum = 0;
            for (int l = low; l < end; l++)
            {
                sum += room[l * (Keys + 1) + key];
            }
            room[low * (Keys + 1) + key] = sum;
        }
        __syncthreads();
    }
    for (int e = threadIdx.x; e < queryParts.count * keyParts.count; e += kThreads)
    {
        int q = e / keyParts.count, k = e % keyParts.count;
        const float* row = room + queryParts.begin[q] * lanesEach * (Keys + 1);
        float sum = 0;
        for (int i = keyParts.begin[k]; seen && i < keyParts.begin[k + 1]; i++)
        {
            sum += row[i];
        }
        a.sums[((long long)blockIdx.z * a.queryParts + queryParts.first + q) * a.keyParts + keyParts.first + k] = sum;
    }
}

// For devices whose blocks may have 163 KiB of shared memory, and for those where they have 99.
#define ATTENTION_TAP_MMA(headDim, size, warpsDown, keys)                                                                           \
    extern "C" __global__ void __launch_bounds__(64 * warpsDown) attention_tap_mma_##headDim##_##size(RoundedTapArguments a)        \
    {                                                                                                                               \
        attention_tap_mma<headDim, warpsDown, 2, keys>(a);                                                                          \
    }

ATTENTION_TAP_MMA(64, large, 4, 128)
ATTENTION_TAP_MMA(96, large, 4, 128)
ATTENTION_TAP_MMA(128, large, 4, 128)
ATTENTION_TAP_MMA(256, large, 2, 64)
ATTENTION_TAP_MMA(64, small, 2, 64)
ATTENTION_TAP_MMA(96, small, 2, 64)
ATTENTION_TAP_MMA(128, small, 2, 64)
ATTENTION_TAP_MMA(256, small, 1, 32)
