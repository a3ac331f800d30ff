// Tensor cores on the processor, plainly: the lanes of a warp bring their fragments, which are put together to matrices by the tables of
// the PTX ISA, multiplied, and taken apart again.
#include "tensor_cores.h"

#include "checker.h"
#include "fibers.h"

namespace
{
float low(unsigned pair) { return float_from_bits(pair << 16); }

float high(unsigned pair) { return float_from_bits(pair & 0xffff0000u); }

unsigned bf16(float value)
{
    unsigned bits = std::bit_cast<unsigned>(value);
    if (std::isnan(value))
    {
        return 0x7fff;
    }
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16; // to nearest, ties to even; what is too large becomes an infinity
}

// What a lane brings to mma, and takes away.
struct Fragments
{
    float d[4];
    unsigned a[4], b[2];
};

// m16n8k16.
void multiply(icc_host::Lanes<Fragments> lanes)
{
    float a[16][16], b[16][8], d[16][8];
    for (int lane = 0; lane < 32; lane++)
    {
        const Fragments& own = lanes[lane];
        int group = lane / 4, thread = lane % 4;
        for (int i = 0; i < 4; i++)
        {
            int row = group + i % 2 * 8, column = 2 * thread + i / 2 * 8;
            a[row][column] = low(own.a[i]);
            a[row][column + 1] = high(own.a[i]);
            d[group + i / 2 * 8][2 * thread + i % 2] = own.d[i];
        }
        for (int i = 0; i < 2; i++)
        {
            b[2 * thread + 8 * i][group] = low(own.b[i]);
            b[2 * thread + 8 * i + 1][group] = high(own.b[i]);
        }
    }
    for (int row = 0; row < 16; row++)
    {
        for (int k = 0; k < 16; k++)
        {
            for (int column = 0; column < 8; column++)
            {
                d[row][column] += a[row][k] * b[k][column];
            }
        }
    }
    for (int lane = 0; lane < 32; lane++)
    {
        for (int i = 0; i < 4; i++)
        {
            lanes[lane].d[i] = d[lane / 4 + i / 2 * 8][2 * (lane % 4) + i % 2];
        }
    }
}

// The addresses of the rows that the lanes name. Each lane's own row is looked at for its alignment.
icc_host::Lanes<const char*> rows_of(const void* row)
{
    icc_host::check_touch(row, 16, false);
    return icc_host::exchange(static_cast<const char*>(row));
}

template <typename T>
T load(const char* from)
{
    icc_host::check_touch(from, sizeof(T), false);
    return *reinterpret_cast<const T*>(from);
}
} // namespace

unsigned pack_bf16(float low, float high) { return bf16(high) << 16 | bf16(low); }

void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    Fragments own{{d[0], d[1], d[2], d[3]}, {a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    icc_host::Lanes<Fragments> lanes = icc_host::exchange<Fragments, multiply>(own);
    for (int i = 0; i < 4; i++)
    {
        d[i] = lanes[threadIdx.x % 32].d[i];
    }
}

void ldmatrix_x4(unsigned (&words)[4], const void* row)
{
    int lane = threadIdx.x % 32;
    auto rows = rows_of(row);
    for (int m = 0; m < 4; m++)
    {
        words[m] = load<unsigned>(rows[8 * m + lane / 4] + 4 * (lane % 4));
    }
}

void ldmatrix_x4_trans(unsigned (&words)[4], const void* row)
{
    int lane = threadIdx.x % 32, column = lane / 4, first = 2 * (lane % 4);
    auto rows = rows_of(row);
    for (int m = 0; m < 4; m++)
    {
        unsigned upper = load<unsigned short>(rows[8 * m + first + 1] + 2 * column);
        words[m] = upper << 16 | load<unsigned short>(rows[8 * m + first] + 2 * column);
    }
}
