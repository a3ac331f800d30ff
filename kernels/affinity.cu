// The affinity between points, from pooled attention to the normalised form that spectral clustering takes eigenvectors of. Matrices are
// float32 or float64.
#include "common.h"

// Sum of a part of a row, over the lanes of a warp.
template <typename P>
__device__ __forceinline__ double row_part_sum(const P* row, int from, int to, int lane)
{
    double sum = 0;
    for (int i = from + lane; i < to; i += 32)
    {
        sum += (double)row[i];
    }
    return warp_sum(sum);
}

// Adds one prompt's affinity: row j < s of pooled [s, s], divided by (the sum of its first j entries + 1e-7) and times j, goes below the
// diagonal of sums [n, n], and a 1 above it for the meeting, at the places of the points order[i], order[j]. whole: the sum is over all
// entries but the diagonal, and s - 1 stands for j. behind: the entries behind the diagonal are added, not those before it; on one side
// no two rows share a pair. absolute: entries as they are. roots: the fourth root of each. A warp a row; grid (ceil(s / 8)), 256 threads.
template <typename P, typename T>
__device__ __forceinline__ void add_affinity(
    const P* pooled, const int* order, int s, T* sums, long long n, int whole, int behind, int absolute, int roots)
{
    int j = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    if (j >= s)
    {
        return;
    }
    pooled += (long long)j * s;
    double sum = row_part_sum(pooled, 0, j, lane) + (whole ? row_part_sum(pooled, j + 1, s, lane) : 0);
    T denominator = absolute ? (T)1 : (T)sum + (T)1e-7;
    T others = absolute ? (T)1 : (T)(whole ? s - 1 : j);
    int own = order[j];
    int end = behind ? s : j;
    for (int i = (behind ? j + 1 : 0) + lane; i < end; i += 32)
    {
        int other = order[i];
        long long high = own > other ? own : other;
        long long low = own > other ? other : own;
        T entry = (T)pooled[i] / denominator * others;
        sums[high * n + low] += roots ? (T)__builtin_sqrt(__builtin_sqrt((double)entry)) : entry;
        sums[low * n + high] += (T)1;
    }
}

// Sums below the diagonal and meetings above it become means on both sides; power: their fourth powers. A block a row; grid (n).
template <typename T>
__device__ __forceinline__ void mean_affinity(T* a, long long n, int power)
{
    long long i = blockIdx.x;
    for (long long j = threadIdx.x; j < i; j += blockDim.x)
    {
        T meetings = a[j * n + i];
        T mean = meetings == (T)0 ? (T)0 : a[i * n + j] / meetings;
        mean = power ? mean * mean * (mean * mean) : mean;
        a[i * n + j] = mean;
        a[j * n + i] = mean;
    }
    if (threadIdx.x == 0)
    {
        a[i * n + i] = 0;
    }
}

// others[i] = the smallest of labels [n] unlike labels[i] where a[i, j] is not 0, or -1. A warp a row; grid (ceil(n / 8)), 256 threads.
template <typename T>
__device__ __forceinline__ void neighbour_labels(const T* a, long long n, const int* labels, int* others)
{
    long long i = (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (i >= n)
    {
        return;
    }
    int own = labels[i];
    unsigned best = 0xffffffffu; // -1, the largest
    for (long long j = threadIdx.x % 32; j < n; j += 32)
    {
        unsigned label = (unsigned)labels[j];
        best = label < best && labels[j] != own && a[i * n + j] != (T)0 ? label : best;
    }
    for (int mask = 16; mask > 0; mask /= 2)
    {
        unsigned other = exchange_xor(best, mask);
        best = other < best ? other : best;
    }
    if (threadIdx.x % 32 == 0)
    {
        others[i] = (int)best;
    }
}

// a[i, j] divided by roots[i] and roots[j], in one order on both sides of the diagonal. A block a row; grid (n).
template <typename T>
__device__ __forceinline__ void normalise_affinity(T* a, long long n, const T* roots)
{
    long long i = blockIdx.x;
    T own = roots[i];
    for (long long j = threadIdx.x; j < n; j += blockDim.x)
    {
        T first = j < i ? roots[j] : own;
        T second = j < i ? own : roots[j];
        a[i * n + j] = a[i * n + j] / first / second;
    }
}

extern "C" __global__ void add_affinity_f32(
    const float* pooled, const int* order, int s, float* sums, int n, int whole, int behind, int absolute, int roots)
{
    add_affinity(pooled, order, s, sums, n, whole, behind, absolute, roots);
}

extern "C" __global__ void add_affinity_f32_f64(
    const float* pooled, const int* order, int s, double* sums, int n, int whole, int behind, int absolute, int roots)
{
    add_affinity(pooled, order, s, sums, n, whole, behind, absolute, roots);
}

extern "C" __global__ void add_affinity_f64(
    const double* pooled, const int* order, int s, double* sums, int n, int whole, int behind, int absolute, int roots)
{
    add_affinity(pooled, order, s, sums, n, whole, behind, absolute, roots);
}

extern "C" __global__ void mean_affinity_f32(float* a, int n, int power) { mean_affinity(a, n, power); }

extern "C" __global__ void mean_affinity_f64(double* a, int n, int power) { mean_affinity(a, n, power); }

extern "C" __global__ void neighbour_labels_f32(const float* a, int n, const int* labels, int* others)
{
    neighbour_labels(a, n, labels, others);
}

extern "C" __global__ void neighbour_labels_f64(const double* a, int n, const int* labels, int* others)
{
    neighbour_labels(a, n, labels, others);
}

extern "C" __global__ void normalise_affinity_f32(float* a, int n, const float* roots) { normalise_affinity(a, n, roots); }

extern "C" __global__ void normalise_affinity_f64(double* a, int n, const double* roots) { normalise_affinity(a, n, roots); }
