// Choosing tokens. Softmax is made of whole numbers, so that sums do not depend on their order: a token weighs
// 2^40 exp((x - max) / temperature), rounded, and the exponential is a chain of fused operations that every device rounds alike
// (TokenWeights.cs has the same). What Hugging Face's warpers leave is found without sorting, digit by digit. A block has a row.
#include "common.h"

constexpr int kThreads = 256;
constexpr int kDigits = 16; // values of a digit of a search
constexpr int kParts = kThreads / kDigits;

typedef unsigned long long Weight;

struct Choice
{
    long long place;   // the token chosen, where one was
    double difference; // its logit less the largest one
    Weight sum;        // weights of all tokens at temperature 1
};

struct Room
{
    Weight sums[kDigits * kThreads];
    Weight parts[kThreads];
    Weight totals[kDigits];
    float largest[32];
};

struct Row
{
    const float* logits;
    const int* ids; // or null for all
    int count;

    __device__ __forceinline__ int id(int i) const { return ids ? ids[i] : i; }

    // NaN counts as minus infinity, -0 as 0.
    __device__ __forceinline__ float value(int i) const
    {
        float x = logits[id(i)];
        return x == x ? x + 0.f : -kInfinity;
    }
};

// The row of this block, of ids that all rows have or that end where `ends` says.
__device__ __forceinline__ Row row_of(const float* logits, int vocabulary, const int* ids, int count, const int* ends)
{
    int row = blockIdx.x;
    Row it = {logits + (long long)row * vocabulary, ids, ids ? count : vocabulary};
    if (ids && ends)
    {
        int first = row == 0 ? 0 : ends[row - 1];
        it.ids = ids + first;
        it.count = ends[row] - first;
    }
    return it;
}

__device__ __forceinline__ double share_of(float x, float max, double temperature)
{
    if (x == max)
    {
        return 1;
    }
    double exponent = ((double)x - (double)max) / temperature;
    if (!(exponent >= -28.5))
    {
        return 0;
    }
    int n = (int)__builtin_fma(exponent, 1.4426950408889634, -0.5);
    double r = __builtin_fma((double)n, -0.6931471803691238, exponent);
    r = __builtin_fma((double)n, -1.9082149292705877e-10, r);
    double y = 1.0 / 6227020800;
    y = __builtin_fma(y, r, 1.0 / 479001600);
    y = __builtin_fma(y, r, 1.0 / 39916800);
    y = __builtin_fma(y, r, 1.0 / 3628800);
    y = __builtin_fma(y, r, 1.0 / 362880);
    y = __builtin_fma(y, r, 1.0 / 40320);
    y = __builtin_fma(y, r, 1.0 / 5040);
    y = __builtin_fma(y, r, 1.0 / 720);
    y = __builtin_fma(y, r, 1.0 / 120);
    y = __builtin_fma(y, r, 1.0 / 24);
    y = __builtin_fma(y, r, 1.0 / 6);
    y = __builtin_fma(y, r, 0.5);
    y = __builtin_fma(y, r, 1.0);
    y = __builtin_fma(y, r, 1.0);
    return y * __builtin_bit_cast(double, (Weight)(n + 1023) << 52);
}

__device__ __forceinline__ Weight weight_of(double share) { return (Weight)__builtin_fma(share, 1099511627776.0, 0.5); }

// Bits in the order of the values.
__device__ __forceinline__ unsigned order_of(float x)
{
    unsigned bits = __builtin_bit_cast(unsigned, x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float largest_of(const Row& row, Room& room)
{
    float max = -kInfinity;
    for (int i = threadIdx.x; i < row.count; i += kThreads)
    {
        float x = row.value(i);
        max = x > max ? x : max;
    }
    return block_max(max, room.largest);
}

// Sum of weight(i) over the elements, the same in each thread.
template <typename WeightOf>
__device__ __forceinline__ Weight total_of(int count, Room& room, WeightOf weight)
{
    Weight mine = 0;
    for (int i = threadIdx.x; i < count; i += kThreads)
    {
        mine += weight(i);
    }
    room.sums[threadIdx.x] = mine;
    __syncthreads();
    if (threadIdx.x < kDigits)
    {
        Weight part = 0;
        for (int t = 0; t < kParts; t++)
        {
            part += room.sums[threadIdx.x * kParts + t];
        }
        room.totals[threadIdx.x] = part;
    }
    __syncthreads();
    Weight total = 0;
    for (int d = 0; d < kDigits; d++)
    {
        total += room.totals[d];
    }
    __syncthreads();
    return total;
}

// The largest key for which the elements with at least this key weigh the target together, which is at least 1 and at most the weight
// of all. Digit by digit from the one at `shift`; only elements whose key begins as the one looked for are weighed again.
template <typename KeyOf, typename WeightOf>
__device__ __forceinline__ unsigned search(int count, int shift, Weight target, Room& room, KeyOf key, WeightOf weight)
{
    unsigned prefix = 0;
    Weight above = 0;
    for (; shift >= 0; shift -= 4)
    {
        Weight mine[kDigits] = {};
        for (int i = threadIdx.x; i < count; i += kThreads)
        {
            unsigned k = key(i);
            if (k >> shift >> 4 == prefix)
            {
                Weight w = weight(i);
                unsigned digit = k >> shift & 15;
#pragma unroll
                for (unsigned d = 0; d < kDigits; d++)
                {
                    mine[d] += d == digit ? w : 0;
                }
            }
        }
#pragma unroll
        for (int d = 0; d < kDigits; d++)
        {
            room.sums[d * kThreads + threadIdx.x] = mine[d];
        }
        __syncthreads();
        Weight part = 0;
        for (int t = 0; t < kDigits; t++)
        {
            part += room.sums[threadIdx.x / kParts * kThreads + t * kParts + threadIdx.x % kParts];
        }
        room.parts[threadIdx.x] = part;
        __syncthreads();
        if (threadIdx.x < kDigits)
        {
            Weight total = 0;
            for (int t = 0; t < kParts; t++)
            {
                total += room.parts[threadIdx.x * kParts + t];
            }
            room.totals[threadIdx.x] = total;
        }
        __syncthreads();
        int digit = kDigits - 1;
        for (; digit > 0 && above + room.totals[digit] < target; digit--)
        {
            above += room.totals[digit];
        }
        prefix = prefix << 4 | (unsigned)digit;
    }
    return prefix;
}

// The first place for which the elements up to it weigh more than `before`.
template <typename WeightOf>
__device__ __forceinline__ int place_of(int count, Weight total, Weight before, Room& room, WeightOf weight)
{
    int shift = 0;
    while ((count - 1) >> shift >> 4)
    {
        shift += 4;
    }
    // The elements from there to the end weigh at least total - before, those behind it less.
    return (int)search(count, shift, total - before, room, [](int i) { return (unsigned)i; }, weight);
}

__device__ __forceinline__ int draw(
    const Row& row, float max, double temperature, int topK, double topP, double minP, double uniform, Room& room)
{
    auto order = [&](int i) { return order_of(row.value(i)); };
    auto share = [&](int i) { return share_of(row.value(i), max, temperature); };
    unsigned least = 0;
    if (topK > 0 && topK < row.count)
    {
        least = search(row.count, 28, topK, room, order, [](int) { return (Weight)1; });
    }
    if (topP < 1)
    {
        auto kept = [&](int i) { return order(i) >= least ? weight_of(share(i)) : 0; };
        Weight total = total_of(row.count, room, kept);
        double wanted = topP * (double)total;
        Weight target = (Weight)wanted;
        target += (double)target < wanted ? 1 : 0;
        target = target < 1 ? 1 : target > total ? total : target;
        least = search(row.count, 28, target, room, order, kept);
    }
    auto kept = [&](int i)
    {
        double s = share(i);
        return order(i) >= least && s >= minP ? weight_of(s) : 0;
    };
    Weight total = total_of(row.count, room, kept);
    Weight drawn = (Weight)(uniform * (double)total);
    return place_of(row.count, total, drawn < total ? drawn : total - 1, room, kept);
}

// logits [rows, vocabulary], ids [count] for all rows or as ends [rows] says, or null for all; uniforms [rows] or null (temperature 0);
// choices [rows]. Grid (rows), 256 threads.
extern "C" __global__ void sample(
    const float* logits, int vocabulary, const int* ids, int count, const int* ends, double temperature, int topK, double topP,
    double minP, const double* uniforms, int wantsSum, Choice* choices)
{
    __shared__ Room room;
    Row row = row_of(logits, vocabulary, ids, count, ends);
    float max = largest_of(row, room);
    int place;
    if (temperature == 0)
    {
        auto isLargest = [&](int i) { return (Weight)(row.value(i) == max); };
        place = place_of(row.count, total_of(row.count, room, isLargest), 0, room, isLargest);
    }
    else
    {
        place = draw(row, max, temperature, topK, topP, minP, uniforms[blockIdx.x], room);
    }
    Weight sum = 0;
    if (wantsSum)
    {
        sum = total_of(row.count, room, [&](int i) { return weight_of(share_of(row.value(i), max, 1)); });
    }
    if (threadIdx.x == 0)
    {
        float value = row.value(place);
        choices[blockIdx.x] = {row.id(place), value == max ? 0 : (double)value - (double)max, sum};
    }
}

// The largest logit's distance to those of some ids, and the weight of all tokens or of the ids; ids as for sample, none null.
// differences [rows, count], or as many as there are ids; sums [rows]. Grid (rows), 256 threads.
extern "C" __global__ void log_probabilities(
    const float* logits, int vocabulary, const int* ids, int count, const int* ends, int amongIds, double* differences, Weight* sums)
{
    __shared__ Room room;
    Row asked = row_of(logits, vocabulary, ids, count, ends);
    Row all = amongIds ? asked : row_of(logits, vocabulary, nullptr, 0, nullptr);
    float max = largest_of(all, room);
    Weight sum = total_of(all.count, room, [&](int i) { return weight_of(share_of(all.value(i), max, 1)); });
    differences += ends ? asked.ids - ids : (long long)blockIdx.x * count;
    for (int i = threadIdx.x; i < asked.count; i += kThreads)
    {
        float value = asked.value(i);
        differences[i] = value == max ? 0 : (double)value - (double)max;
    }
    if (threadIdx.x == 0)
    {
        sums[blockIdx.x] = sum;
    }
}
