// What the Lanczos process spends its time in, in float32 or float64: products of rows with a vector (the symmetric matrix times a
// vector, the parts of a vector along a basis), and the removal of those parts.
#include "common.h"

constexpr int kLoads = 8; // of a lane on their way at once

// y[r] = row r of matrix [rows, n] times x [n]. A warp a row; grid (ceil(rows / 8)), 256 threads.
template <typename T>
__device__ __forceinline__ void row_dots(const T* matrix, int rows, int n, const T* x, T* y)
{
    int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (r >= rows)
    {
        return;
    }
    matrix += (long long)r * n;
    T sums[kLoads] = {};
    int i = threadIdx.x % 32;
    for (; i + 32 * (kLoads - 1) < n; i += 32 * kLoads)
    {
#pragma unroll
        for (int k = 0; k < kLoads; k++)
        {
            sums[k] += matrix[i + 32 * k] * x[i + 32 * k];
        }
    }
    for (; i < n; i += 32)
    {
        sums[0] += matrix[i] * x[i];
    }
#pragma unroll
    for (int half = kLoads / 2; half > 0; half /= 2)
    {
#pragma unroll
        for (int k = 0; k < half; k++)
        {
            sums[k] += sums[k + half];
        }
    }
    T sum = warp_sum(sums[0]);
    if (threadIdx.x % 32 == 0)
    {
        y[r] = sum;
    }
}

// y [n] loses the rows of matrix [rows, n], each times its factor. A thread a column; grid (ceil(n / threads)).
template <typename T>
__device__ __forceinline__ void subtract_rows(const T* matrix, int rows, int n, const T* factors, T* y)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
    {
        return;
    }
    T value = y[i];
    for (int r = 0; r < rows; r++)
    {
        value -= factors[r] * matrix[(long long)r * n + i];
    }
    y[i] = value;
}

// x [n] divided by the square root of squares[0], unless that is 0. A thread an element.
template <typename T>
__device__ __forceinline__ void divide_by_norm(T* x, int n, const T* squares)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    T square = squares[0];
    if (i < n && square > (T)0)
    {
        x[i] /= (T)__builtin_sqrt((double)square);
    }
}

extern "C" __global__ void row_dots_f32(const float* matrix, int rows, int n, const float* x, float* y)
{
    row_dots(matrix, rows, n, x, y);
}

extern "C" __global__ void row_dots_f64(const double* matrix, int rows, int n, const double* x, double* y)
{
    row_dots(matrix, rows, n, x, y);
}

extern "C" __global__ void subtract_rows_f32(const float* matrix, int rows, int n, const float* factors, float* y)
{
    subtract_rows(matrix, rows, n, factors, y);
}

extern "C" __global__ void subtract_rows_f64(const double* matrix, int rows, int n, const double* factors, double* y)
{
    subtract_rows(matrix, rows, n, factors, y);
}

extern "C" __global__ void divide_by_norm_f32(float* x, int n, const float* squares) { divide_by_norm(x, n, squares); }

extern "C" __global__ void divide_by_norm_f64(double* x, int n, const double* squares) { divide_by_norm(x, n, squares); }
