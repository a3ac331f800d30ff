// The linear layer for many rows on the tensor cores of compute capability 9.0 by wgmma: struct Linear of linear_tiles.h. Two warpgroups
// make tiles of 128 rows by 128 or 256 outputs, 64 rows each; 64 inputs at a time come through four stages of shared memory, filled by
// cp.async in the layout that wgmma reads with a swizzle of 128 bytes.
// Grid (tiles, splits of the inputs), 256 threads. Shared memory: 4 * (128 + outputs of a tile) * 128 bytes.
#include "linear_tiles.h"
#include "warpgroup.h"

constexpr int kThreads = 256;
constexpr int kRows = 128;
constexpr int kGroupRows = 64;     // of a warpgroup
constexpr int kGroupOutputs = 128; // of an instruction
constexpr int kDepth = 64;
constexpr int kStages = 4;
constexpr int kAhead = 2; // pieces that are under way; the stage between is still read by the product before
constexpr int kRowBytes = kDepth * 2;
constexpr int kChunks = kRowBytes / 16; // of 16 bytes: 8 inputs

constexpr int kExactPieces = kSegment / kDepth;

// Eight rows of 128 bytes are an atom of 1024 bytes, in which the chunks of row r are exchanged by r.
__device__ __forceinline__ int place_of(int row, int chunk) { return row * kRowBytes + (chunk ^ (row & 7)) * 16; }

// The matrix descriptor of rows that begin in shared memory at `start`, atoms of eight rows one after the other: address and offsets in
// units of 16 bytes; the offset in the direction of the inputs has no meaning with a swizzle, whose size is in the upper bits.
__device__ __forceinline__ unsigned long long descriptor(const unsigned char* start)
{
    constexpr unsigned long long kSwizzle128 = 1, kAtom = 8 * kRowBytes;
    return (shared_address(start) & 0x3ffff) >> 4 | 1ull << 16 | kAtom >> 4 << 32 | kSwizzle128 << 62;
}

// Begins the copy of rows [first, first + Rows) and inputs [start, start + kDepth) of a matrix [rows, inputs]; zeros beyond its edges.
template <int Rows>
__device__ __forceinline__ void copy_rows(unsigned char* to, const unsigned short* from, int first, int rows, int start, int inputs)
{
#pragma unroll
    for (int i = threadIdx.x; i < Rows * kChunks; i += kThreads)
    {
        int row = i / kChunks, chunk = i % kChunks;
        bool inside = first + row < rows && start + 8 * chunk < inputs;
        const unsigned short* source = inside ? from + (long long)(first + row) * inputs + start + 8 * chunk : from;
        cp_async_16(to + place_of(row, chunk), source, inside ? 16 : 0);
    }
}

template <int Outputs, bool Exact>
__device__ __forceinline__ void linear_wgmma(const Linear& linear)
{
    constexpr int kStage = (kRows + Outputs) * kRowBytes;
    constexpr int kParts = Outputs / kGroupOutputs;
    DYNAMIC_SHARED(memory);
    Tile tile = tile_of_block<kRows, Outputs>(linear);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = warp / 4;
    Walk<kDepth> walk(linear);
    int pieces = walk.pieces();
    auto copy = [&](int piece)
    {
        if (piece < pieces)
        {
            unsigned char* stage = memory + piece % kStages * kStage;
            copy_rows<kRows>(stage, walk.x(), tile.row, linear.rows, walk.start, linear.inputs);
            copy_rows<Outputs>(stage + kRows * kRowBytes, walk.weight(), tile.output, linear.outputs, walk.start, linear.inputs);
            walk.next();
        }
        cp_async_commit(); // an empty group where there is nothing left, so that the count of groups is that of pieces
    };
    for (int piece = 0; piece < kAhead; piece++)
    {
        copy(piece);
    }
    float sums[kParts][64] = {};
    float exact[Exact ? kParts : 1][Exact ? 64 : 1] = {};
    for (int piece = 0; piece < pieces; piece++)
    {
        cp_async_wait<kAhead - 1>();
        fence_proxy_async();
        __syncthreads();
        const unsigned char* xs = memory + piece % kStages * kStage + group * kGroupRows * kRowBytes;
        const unsigned char* weights = memory + piece % kStages * kStage + kRows * kRowBytes;
        wgmma_fence();
#pragma unroll
        for (int step = 0; step < kDepth / 16; step++)
        {
#pragma unroll
            for (int part = 0; part < kParts; part++)
            {
                wgmma_m64n128k16_bf16(
                    sums[part], descriptor(xs + 32 * step), descriptor(weights + part * kGroupOutputs * kRowBytes + 32 * step));
            }
        }
        wgmma_commit();
        copy(piece + kAhead); // to the stage of two pieces before: everyone waited for its product before the barrier
        if (Exact && (piece % kExactPieces == kExactPieces - 1 || piece == pieces - 1))
        {
            wgmma_wait<0>();
#pragma unroll
            for (int part = 0; part < kParts; part++)
            {
#pragma unroll
                for (int i = 0; i < 64; i++)
                {
                    exact[Exact ? part : 0][Exact ? i : 0] += sums[part][i];
                    sums[part][i] = 0;
                }
            }
        }
        wgmma_wait<1>();
    }
    wgmma_wait<0>();
    int row = tile.row + group * kGroupRows + warp % 4 * 16 + lane / 4;
#pragma unroll
    for (int part = 0; part < kParts; part++)
    {
        const float(&results)[64] = reinterpret_cast<const float(&)[64]>(Exact ? exact[Exact ? part : 0][0] : sums[part][0]);
#pragma unroll
        for (int j = 0; j < 16; j++)
        {
            int output = tile.output + part * kGroupOutputs + 8 * j + lane % 4 * 2;
            write_pair(linear, row, output, results[4 * j], results[4 * j + 1]);
            write_pair(linear, row + 8, output, results[4 * j + 2], results[4 * j + 3]);
        }
    }
}

extern "C" __global__ void __launch_bounds__(kThreads, 1) linear_wgmma_128_f32(Linear linear) { linear_wgmma<128, true>(linear); }

extern "C" __global__ void __launch_bounds__(kThreads, 1) linear_wgmma_128_bf16(Linear linear) { linear_wgmma<128, false>(linear); }

extern "C" __global__ void __launch_bounds__(kThreads, 1) linear_wgmma_256_bf16(Linear linear) { linear_wgmma<256, false>(linear); }
