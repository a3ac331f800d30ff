// For every point the nearest centre of each of some sets, the first of equals, and the squared distance to it, of the same bits on every
// device.
// points [d, n], centres [sets, k, d], labels [sets, n], squared [sets, n]. A thread a point of a set, blocks of one set after those of
// another; grid (sets * ceil(n / threads)).
#include "common.h"

extern "C" __global__ void nearest_centre(const double* points, const double* centres, int n, int k, int d, int* labels, double* squared)
{
    int blocks = (n + blockDim.x - 1) / blockDim.x, set = blockIdx.x / blocks;
    int i = blockIdx.x % blocks * blockDim.x + threadIdx.x;
    if (i >= n)
    {
        return;
    }
    centres += (long long)set * k * d;
    int nearest = 0;
    double least = __builtin_inf();
    for (int c = 0; c < k; c++)
    {
        double sum = 0;
        for (int j = 0; j < d; j++)
        {
            double difference = points[(long long)j * n + i] - centres[(long long)c * d + j];
            sum += rounded_product(difference, difference);
        }
        if (sum < least)
        {
            least = sum;
            nearest = c;
        }
    }
    labels[(long long)set * n + i] = nearest;
    squared[(long long)set * n + i] = least;
}
