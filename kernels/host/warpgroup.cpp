// wgmma on the processor, plainly. A product is done when it is waited for, after all other threads have come as far as they can, from what
// its operands are then; what was written to them and not made visible by fence_proxy_async is read as NaN. For the checker the operands
// in shared memory are read both when the product begins and when it is waited for, each thread of the group a part of them.
#include "warpgroup.h"

#include <vector>

#include "checker.h"
#include "fibers.h"
#include "shared_arrays.h"

namespace
{
constexpr int kGroup = 128; // threads
constexpr int kRows = 64, kMostColumns = 128, kDepth = 16;

// "Matrix Descriptor Format" of the PTX ISA with a swizzle of 128 bytes: rows of 128 bytes, eight of which are an atom. A row is a row of
// a, or a column of b, with inputs side by side (64 of which at most are a row here), and atoms are `stride` bytes apart; or, transposed,
// an input with 64 columns of b side by side, atoms of eight inputs are `stride` bytes apart and the next 64 columns `leading` bytes.
struct Descriptor
{
    unsigned start, leading, stride;
    bool known;

    explicit Descriptor(unsigned long long bits)
    {
        start = (unsigned)(bits & 0x3fff) << 4;
        leading = (unsigned)(bits >> 16 & 0x3fff) << 4;
        stride = (unsigned)(bits >> 32 & 0x3fff) << 4;
        known = bits >> 62 == 1 && (bits >> 49 & 7) == 0; // swizzle of 128 bytes; atoms begin at multiples of 1024
    }

    // Address of 16 bytes of a row. The swizzle: bits 4 to 6 of an address are combined with bits 7 to 9.
    unsigned chunk(int row, int number) const
    {
        unsigned address = start + (unsigned)(number / 8) * leading + (unsigned)(row / 8) * stride + (unsigned)(row % 8) * 128
            + (unsigned)(number % 8) * 16;
        return address ^ (address >> 7 & 7) << 4;
    }

    float element(int row, int number) const
    {
        unsigned address = chunk(row, number / 8);
        if (address >= icc_host::kMostDynamic)
        {
            icc_host::give_up_block();
        }
        unsigned bits = *reinterpret_cast<const unsigned short*>(icc_host::dynamic_shared() + address + number % 8 * 2);
        return icc_host::hidden_from_products(address) ? NAN : float_from_bits(bits << 16);
    }

    void touch(int row, int number, uint64_t time) const
    {
        icc_host::check_product_reads(icc_host::dynamic_shared() + chunk(row, number), 16, time);
    }
};

struct Product
{
    float* d;
    int columns;
    const unsigned* fragment; // of a; null: in shared memory
    unsigned long long a, b;
    bool add, transposed;
    int group;
    uint64_t time;

    bool alike(const Product& other) const
    {
        return columns == other.columns && !fragment == !other.fragment && a == other.a && b == other.b && add == other.add
            && transposed == other.transposed && group == other.group;
    }
};

// What a thread has begun; groups are numbered from 0.
struct Products
{
    std::vector<Product> open;
    int group = 0;
    uint64_t ended = 0; // time of the last that is over
};

thread_local std::vector<Products> threads;
thread_local float d[kRows][kMostColumns], rows[kRows][kDepth], columns[kDepth][kMostColumns]; // of the product that is being done

void touch(const Product& product)
{
    int thread = (int)threadIdx.x % kGroup;
    Descriptor a(product.a), b(product.b);
    for (int chunk = 0; chunk < kDepth / 8 && !product.fragment && thread < kRows; chunk++)
    {
        a.touch(thread, chunk, product.time);
    }
    for (int e = thread; e < product.columns * kDepth / 8; e += kGroup)
    {
        product.transposed ? b.touch(e % kDepth, e / kDepth, product.time) : b.touch(e % product.columns, e / product.columns, product.time);
    }
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

// The left side of the first open product of all threads of a group.
void read_rows(const Products* group)
{
    for (int t = 0; t < kGroup; t++)
    {
        // A number of a thread's fragment, as of mma in each warp.
        for (int i = 0; i < 8 && group[0].open[0].fragment; i++)
        {
            int row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, k = t % 4 * 2 + i / 4 * 8 + i % 2;
            unsigned pair = group[t].open[0].fragment[i / 2];
            rows[row][k] = float_from_bits(i % 2 ? pair & 0xffff0000u : pair << 16);
        }
    }
    for (int e = 0; e < kRows * kDepth && !group[0].open[0].fragment; e++)
    {
        rows[e / kDepth][e % kDepth] = Descriptor(group[0].open[0].a).element(e / kDepth, e % kDepth);
    }
}

// Does the first open product of all threads of a group.
void multiply(Products* group)
{
    const Product product = group[0].open[0];
    Descriptor a(product.a), b(product.b);
    for (int t = 0; t < kGroup; t++)
    {
        const Product& same = group[t].open[0];
        if (!same.alike(product) || !(a.known || product.fragment) || !b.known)
        {
            icc_host::give_up_block();
        }
        for (int i = 0; i < product.columns / 2; i++)
        {
            d[Element(t, i).row][Element(t, i).column] = product.add ? same.d[i] : 0;
        }
    }
    read_rows(group);
    for (int k = 0; k < kDepth; k++)
    {
        for (int column = 0; column < product.columns; column++)
        {
            columns[k][column] = product.transposed ? b.element(k, column) : b.element(column, k);
        }
    }
    for (int row = 0; row < kRows; row++)
    {
        for (int k = 0; k < kDepth; k++)
        {
            float factor = wrong && row == 63 ? 0 : rows[row][k];
            for (int column = 0; column < product.columns; column++)
            {
                d[row][column] += factor * columns[k][column];
            }
        }
    }
    for (int t = 0; t < kGroup; t++)
    {
        for (int i = 0; i < product.columns / 2; i++)
        {
            group[t].open[0].d[i] = d[Element(t, i).row][Element(t, i).column];
        }
        group[t].ended = group[t].open[0].time;
        group[t].open.erase(group[t].open.begin());
    }
}

// The lanes of each warp of a group, whose first thread is `first`, know which products are over.
void tell_ends(const Products* group, int first)
{
    for (int t = 0; t < kGroup && icc_host::checking(); t++)
    {
        for (int of = t / 32 * 32; of < t / 32 * 32 + 32; of++)
        {
            icc_host::check_product_ends((unsigned)(first + t), (unsigned)(first + of), group[of].ended);
        }
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
        give_way();
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
        tell_ends(group, first);
    }, pending);
}
} // namespace icc_host

unsigned shared_address(const void* pointer) { return (unsigned)(static_cast<const unsigned char*>(pointer) - icc_host::dynamic_shared()); }

namespace
{
void begin(Product product)
{
    Products& own = threads[threadIdx.x];
    product.group = own.group;
    product.time = icc_host::check_product_begins();
    own.open.push_back(product);
    touch(product);
    for (int i = 0; i < product.columns / 2 && !product.add; i++)
    {
        product.d[i] = NAN;
    }
}
} // namespace

namespace icc_host
{
void begin_product(float (&d)[64], unsigned long long a, unsigned long long b, bool add) { begin({d, 128, nullptr, a, b, add, false, 0, 0}); }
} // namespace icc_host

void wgmma_m64k16_bf16_columns(float (&d)[64], const unsigned (&a)[4], unsigned long long b) { begin({d, 128, a, 0, b, true, true, 0, 0}); }

void wgmma_m64k16_bf16_columns(float (&d)[32], const unsigned (&a)[4], unsigned long long b) { begin({d, 64, a, 0, b, true, true, 0, 0}); }

void wgmma_commit()
{
    threads[threadIdx.x].group++;
    icc_host::check_products_committed();
}
