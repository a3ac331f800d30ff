// Numbers as sums of bfloat16, which tensor cores multiply: what linear_mma.cu and linear_wgmma.cu read.
// from [rows, columns] -> to [terms, rows, stride] of bfloat16 (stride: columns rounded up to a multiple of 8, zeros in the rest). One
// term is the number rounded to nearest. Of several, each is what the ones before leave of the number, cut off after 8 bits of its
// mantissa: two terms hold a float16 exactly, three a float32 (but for what is below 2^-133).
// Any grid, any number of threads; a thread makes 8 numbers at a time.
#include "common.h"
#include "tensor_cores.h"

constexpr int kPiece = 8;

template <typename T>
struct alignas(16) Piece
{
    T values[kPiece];
};

struct alignas(16) Words
{
    unsigned pairs[kPiece / 2];
};

__device__ __forceinline__ unsigned bits_of(float x) { return __builtin_bit_cast(unsigned, x); }

// The upper 16 bits of x; x becomes the rest. An infinity has none, and what is no number (NaN) stays that.
__device__ __forceinline__ unsigned cut(float& x)
{
    unsigned bits = bits_of(x), upper = x == x ? bits >> 16 : 0x7fff;
    x = (bits & 0x7f800000u) == 0x7f800000u ? 0.f : x - float_from_bits(bits & 0xffff0000u);
    return upper;
}

// The terms of piece p of all pieces.
__device__ __forceinline__ void store_terms(float* values, unsigned short* to, long long p, long long pieces, int terms)
{
    for (int t = 0; t < terms; t++)
    {
        Words words;
#pragma unroll
        for (int i = 0; i < kPiece; i += 2)
        {
            if (terms == 1)
            {
                words.pairs[i / 2] = pack_bf16(values[i], values[i + 1]);
            }
            else
            {
                unsigned first = cut(values[i]);
                words.pairs[i / 2] = cut(values[i + 1]) << 16 | first;
            }
        }
        reinterpret_cast<Words*>(to)[t * pieces + p] = words;
    }
}

template <typename T>
__device__ __forceinline__ void bf16_terms(const T* from, unsigned short* to, long long rows, int columns, int stride, int terms)
{
    bool aligned = columns == stride && (unsigned long long)from % 16 == 0;
    int pieces = stride / kPiece;
    for (long long p = blockIdx.x * (long long)blockDim.x + threadIdx.x; p < rows * pieces; p += gridDim.x * (long long)blockDim.x)
    {
        long long row = p / pieces;
        int column = (int)(p % pieces) * kPiece;
        float values[kPiece];
        if (aligned)
        {
            Piece<T> piece = reinterpret_cast<const Piece<T>*>(from)[p];
#pragma unroll
            for (int i = 0; i < kPiece; i++)
            {
                values[i] = widen(piece.values[i]);
            }
        }
        else
        {
#pragma unroll
            for (int i = 0; i < kPiece; i++)
            {
                values[i] = column + i < columns ? widen(from[row * columns + column + i]) : 0.f;
            }
        }
        store_terms(values, to, p, rows * pieces, terms);
    }
}

// Of int8 (linear_few_int8.cu): from [rows, groups * 32], scales [rows, groups]; a piece is inside a group, which ends with zeros.
extern "C" __global__ void bf16_terms_int8(
    const signed char* from, const unsigned short* scales, unsigned short* to, long long rows, int columns, int stride, int terms)
{
    int pieces = stride / kPiece, groups = (columns + 31) / 32;
    for (long long p = blockIdx.x * (long long)blockDim.x + threadIdx.x; p < rows * pieces; p += gridDim.x * (long long)blockDim.x)
    {
        long long row = p / pieces;
        int column = (int)(p % pieces) * kPiece;
        struct alignas(kPiece) Quants
        {
            signed char values[kPiece];
        };
        Quants quants = *reinterpret_cast<const Quants*>(from + row * groups * 32 + column);
        float scale = float_from_half(scales[row * groups + column / 32]);
        float values[kPiece];
#pragma unroll
        for (int i = 0; i < kPiece; i++)
        {
            values[i] = scale * (float)quants.values[i];
        }
        store_terms(values, to, p, rows * pieces, terms);
    }
}

#define BF16_TERMS(name, type)                                                                                                      \
    extern "C" __global__ void name(const type* from, unsigned short* to, long long rows, int columns, int stride, int terms)       \
    {                                                                                                                               \
        bf16_terms(from, to, rows, columns, stride, terms);                                                                         \
    }

BF16_TERMS(bf16_terms_f32, float)
BF16_TERMS(bf16_terms_bf16, BFloat16)
BF16_TERMS(bf16_terms_f16, Float16)
