// y = weight * x / sqrt(mean(x^2) + eps), one block a row (Zhang and Sennrich 2019). y may be x.
// x, y [rows, n], weight [n]; grid (rows), a multiple of 32 threads.
#include "common.h"

extern "C" __global__ void rmsnorm(const float* x, const float* weight, float eps, float* y, int n)
{
    __shared__ float room[32];
    x += (long long)blockIdx.x * n;
    y += (long long)blockIdx.x * n;
    float squares = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
    {
        squares += x[i] * x[i];
    }
    float inverse = 1.f / square_root(block_sum(squares, room) / (float)n + eps);
    for (int i = threadIdx.x; i < n; i += blockDim.x)
    {
        y[i] = x[i] * inverse * weight[i];
    }
}
