// wgmma on the processor, plainly. A product is done when it is waited for, from what its operands are then; what was copied to them and
// not made visible by fence_proxy_async is read as NaN. For the checker the threads of the group read the operands both when the product
// begins and when it is waited for, thread i the row i of each.
#include "warpgroup.h"

#include <vector>

#include "checker.h"
#include "fibers.h"

namespace
{
constexpr int kGroup = 128; // threads
constexpr int kRows = 64, kColumns = 128, kDepth = 16;

// "Matrix Descriptor Format" of the PTX ISA, with inputs side by side and a swizzle of 128 bytes: rows of 128 bytes, eight of which are
// an atom; atoms are `stride` bytes apart.
struct Descriptor
{
    unsigned start, stride;
    bool known;

    explicit Descriptor(unsigned long long bits)
    {
        start = (unsigned)(bits & 0x3fff) << 4;
        stride = (unsigned)(bits >> 32 & 0x3fff) << 4;
        known = bits >> 62 == 1 && (bits >> 49 & 7) == 0; // swizzle of 128 bytes; atoms begin at multiples of 1024
    }

    // Address of 16 bytes of a row. The swizzle: bits 4 to 6 of an address are combined with bits 7 to 9.
    unsigned chunk(int row, int number) const
    {
        unsigned address = start + (unsigned)(row / 8) * stride + (unsigned)(row % 8) * 128 + (unsigned)number * 16;
        return address ^ (address >> 7 & 7) << 4;
    }

    float element(int row, int k) const
    {
        unsigned address = chunk(row, k / 8);
        unsigned bits = *reinterpret_cast<const unsigned short*>(icc_host::dynamic_shared() + address + k % 8 * 2);
        return icc_host::hidden_copy(address) ? NAN : float_from_bits(bits << 16);
    }

    void touch(int row) const
    {
        for (int c = 0; c < kDepth / 8; c++)
        {
            icc_host::check_touch(icc_host::dynamic_shared() + chunk(row, c), 16, false);
        }
    }
};

struct Product
{
    float* d;
    unsigned long long a, b;
    int group;
};

// What a thread has begun; groups are numbered from 0.
struct Products
{
    std::vector<Product> open;
    int group = 0;
};

thread_local std::vector<Products> threads;
thread_local float d[kRows][kColumns], columns[kDepth][kColumns]; // of the product that is being done

void touch(const Product& product)
{
    int row = (int)threadIdx.x % kGroup;
    if (row < kRows)
    {
        Descriptor(product.a).touch(row);
    }
    Descriptor(product.b).touch(row);
}

// Where number i of a thread's sums is.
struct Element
{
    int row, column;

    Element(int thread, int i)
    {
        int lane = thread % 32;
        row = thread / 32 * 16 + lane / 4 + i / 2 % 2 * 8;
        column = i / 4 * 8 + lane % 4 * 2 + i % 2;
    }
};

bool wrong = false;

// Does the first open product of all threads of a group.
void multiply(Products* group)
{
    const Product product = group[0].open[0];
    Descriptor a(product.a), b(product.b);
    for (int t = 0; t < kGroup; t++)
    {
        const Product& same = group[t].open[0];
        if (same.a != product.a || same.b != product.b || same.group != product.group || !a.known || !b.known)
        {
            icc_host::give_up_block();
        }
        for (int i = 0; i < 64; i++)
        {
            d[Element(t, i).row][Element(t, i).column] = same.d[i];
        }
    }
    for (int k = 0; k < kDepth; k++)
    {
        for (int column = 0; column < kColumns; column++)
        {
            columns[k][column] = b.element(column, k);
        }
    }
    for (int row = 0; row < kRows; row++)
    {
        for (int k = 0; k < kDepth; k++)
        {
            float factor = wrong && row == 63 ? 0 : a.element(row, k);
            for (int column = 0; column < kColumns; column++)
            {
                d[row][column] += factor * columns[k][column];
            }
        }
    }
    for (int t = 0; t < kGroup; t++)
    {
        for (int i = 0; i < 64; i++)
        {
            group[t].open[0].d[i] = d[Element(t, i).row][Element(t, i).column];
        }
        group[t].open.erase(group[t].open.begin());
    }
}

bool ends(const Products& products, int pending)
{
    return !products.open.empty() && products.open[0].group < products.group - pending;
}
} // namespace

namespace icc_host
{
void pretend_wrong_wgmma(bool value) { wrong = value; }

void forget_products(unsigned count) { threads.assign(count, {}); }

void wgmma_wait(int pending)
{
    for (const Product& product : threads[threadIdx.x].open)
    {
        if (product.group < threads[threadIdx.x].group - pending)
        {
            touch(product);
        }
    }
    meet_warpgroup([](int first, int left)
    {
        Products* group = &threads[(size_t)first];
        while (ends(group[0], left))
        {
            for (int t = 0; t < kGroup; t++)
            {
                if (!ends(group[t], left))
                {
                    give_up_block();
                }
            }
            multiply(group);
        }
    }, pending);
}
} // namespace icc_host

unsigned shared_address(const void* pointer) { return (unsigned)(static_cast<const unsigned char*>(pointer) - icc_host::dynamic_shared()); }

void wgmma_m64n128k16_bf16(float (&d)[64], unsigned long long a, unsigned long long b)
{
    Products& own = threads[threadIdx.x];
    own.open.push_back({d, a, b, own.group});
    touch(own.open.back());
}

void wgmma_commit() { threads[threadIdx.x].group++; }
