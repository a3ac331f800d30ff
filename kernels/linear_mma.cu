// The linear layer for many rows on tensor cores by mma.sync: struct Linear of linear_tiles.h. Tiles of 128 x 128 results by 8 warps, or
// 64 x 64 by 4; 32 inputs at a time come through four stages of shared memory, filled by cp.async while others are multiplied.
// Grid (tiles, splits of the inputs). Shared memory: 4 * (rows + outputs of a tile) * 64 bytes.
#include "linear_tiles.h"
#include "tensor_cores.h"

constexpr int kDepth = 32;
constexpr int kStages = 4;
constexpr int kRowBytes = kDepth * 2;
constexpr int kChunks = kRowBytes / 16; // of 16 bytes: 8 inputs

constexpr int kExactPieces = kSegment / kDepth;

// Where a chunk of a row is: shifted so that eight rows of one chunk are in eight different groups of banks.
__device__ __forceinline__ int place_of(int row, int chunk) { return row * kRowBytes + (chunk ^ (row / 2 & 3)) * 16; }

// Begins the copy of rows [first, first + Rows) and inputs [start, start + kDepth) of a matrix [rows, inputs]; zeros beyond its edges.
template <int Rows, int Threads>
__device__ __forceinline__ void copy_rows(unsigned char* to, const unsigned short* from, int first, int rows, int start, int inputs)
{
#pragma unroll
    for (int i = threadIdx.x; i < Rows * kChunks; i += Threads)
    {
        int row = i / kChunks, chunk = i % kChunks;
        bool inside = first + row < rows && start + 8 * chunk < inputs;
        const unsigned short* source = inside ? from + (long long)(first + row) * inputs + start + 8 * chunk : from;
        cp_async_16(to + place_of(row, chunk), source, inside ? 16 : 0);
    }
}

// A tile of Rows x Outputs by WarpsDown x WarpsAcross warps.
template <int Rows, int Outputs, int WarpsDown, int WarpsAcross, bool Exact>
__device__ __forceinline__ void linear_mma(const Linear& linear)
{
    constexpr int kThreads = WarpsDown * WarpsAcross * 32;
    constexpr int kStage = (Rows + Outputs) * kRowBytes;
    constexpr int kDown = Rows / WarpsDown / 16, kAcross = Outputs / WarpsAcross / 16; // of a warp, in pieces of 16 x 16
    DYNAMIC_SHARED(memory);
    Tile tile = tile_of_block<Rows, Outputs>(linear);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int warpRow = warp / WarpsAcross * (Rows / WarpsDown), warpOutput = warp % WarpsAcross * (Outputs / WarpsAcross);
    Walk<kDepth> walk(linear);
    int pieces = walk.pieces();
    auto copy = [&](int piece)
    {
        if (piece < pieces)
        {
            unsigned char* stage = memory + piece % kStages * kStage;
            copy_rows<Rows, kThreads>(stage, walk.x(), tile.row, linear.rows, walk.start, linear.inputs);
            copy_rows<Outputs, kThreads>(stage + Rows * kRowBytes, walk.weight(), tile.output, linear.outputs, walk.start, linear.inputs);
            walk.next();
        }
        cp_async_commit(); // an empty group where there is nothing left, so that the count of groups is that of pieces
    };
    for (int piece = 0; piece < kStages - 1; piece++)
    {
        copy(piece);
    }
    float sums[kDown][2 * kAcross][4] = {};
    float exact[Exact ? kDown : 1][Exact ? 2 * kAcross : 1][4] = {};
    for (int piece = 0; piece < pieces; piece++)
    {
        cp_async_wait<kStages - 2>();
        __syncthreads();
        copy(piece + kStages - 1); // to the stage of the piece before, which everyone has left
        const unsigned char* xs = memory + piece % kStages * kStage;
        const unsigned char* weights = xs + Rows * kRowBytes;
#pragma unroll
        for (int step = 0; step < kDepth / 16; step++)
        {
            unsigned a[kDown][4], b[kAcross][4];
#pragma unroll
            for (int i = 0; i < kDown; i++)
            {
                ldmatrix_x4(a[i], xs + place_of(warpRow + 16 * i + lane % 16, 2 * step + lane / 16));
            }
#pragma unroll
            for (int j = 0; j < kAcross; j++)
            {
                ldmatrix_x4(b[j], weights + place_of(warpOutput + 16 * j + lane % 8 + lane / 16 * 8, 2 * step + lane / 8 % 2));
            }
#pragma unroll
            for (int i = 0; i < kDown; i++)
            {
#pragma unroll
                for (int j = 0; j < 2 * kAcross; j++)
                {
                    const unsigned pair[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
                    mma_bf16(sums[i][j], a[i], pair);
                }
            }
        }
        if (Exact && (piece % kExactPieces == kExactPieces - 1 || piece == pieces - 1))
        {
#pragma unroll
            for (int i = 0; i < kDown; i++)
            {
#pragma unroll
                for (int j = 0; j < 2 * kAcross; j++)
                {
#pragma unroll
                    for (int k = 0; k < 4; k++)
                    {
                        exact[i][j][k] += sums[i][j][k];
                        sums[i][j][k] = 0;
                    }
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < kDown; i++)
    {
#pragma unroll
        for (int j = 0; j < 2 * kAcross; j++)
        {
            const float(&results)[4] = Exact ? exact[Exact ? i : 0][Exact ? j : 0] : sums[i][j];
            int row = tile.row + warpRow + 16 * i + lane / 4, output = tile.output + warpOutput + 8 * j + lane % 4 * 2;
            write_pair(linear, row, output, results[0], results[1]);
            write_pair(linear, row + 8, output, results[2], results[3]);
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) linear_mma_128_f32(Linear linear) { linear_mma<128, 128, 2, 4, true>(linear); }

extern "C" __global__ void __launch_bounds__(256, 2) linear_mma_128_bf16(Linear linear) { linear_mma<128, 128, 2, 4, false>(linear); }

extern "C" __global__ void __launch_bounds__(128, 4) linear_mma_64_f32(Linear linear) { linear_mma<64, 64, 2, 2, true>(linear); }

extern "C" __global__ void __launch_bounds__(128, 4) linear_mma_64_bf16(Linear linear) { linear_mma<64, 64, 2, 2, false>(linear); }
