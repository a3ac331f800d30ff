// The end of a linear layer whose inputs were split among blocks (linear_tiles.h): y = scale * (the sum of the parts) + bias, or the same
// added to y, in the order of the parts.
// parts [splits, rows, outputs], bias [outputs] or null, y [rows, outputs], rows `stride` apart. A thread an output; grid
// (ceil(outputs / threads), rows).
#include "common.h"

extern "C" __global__ void linear_sum(
    const float* parts, const float* bias, float* y, int splits, int rows, int outputs, int stride, float scale, int accumulate)
{
    int output = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
    if (output >= outputs)
    {
        return;
    }
    const float* part = parts + (long long)row * outputs + output;
    float sum = 0;
#pragma unroll 8
    for (int split = 0; split < splits; split++)
    {
        sum += part[(long long)split * rows * outputs];
    }
    float* target = y + (long long)row * stride + output;
    *target = scale * sum + (bias ? bias[output] : 0.f) + (accumulate ? *target : 0.f);
}
