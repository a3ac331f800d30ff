// y = silu(gate) * up, silu(x) = x / (1 + e^-x) (SwiGLU, Shazeer 2020). y may be gate or up.
// All [count]; a grid of one dimension strides over the elements.
#include "common.h"

extern "C" __global__ void silu_multiply(const float* gate, const float* up, float* y, long long count)
{
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride)
    {
        float x = gate[i];
        y[i] = x / (1.f + exponential(-x)) * up[i];
    }
}
