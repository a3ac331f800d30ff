// For every point the nearest centre, the first of equals, and the squared distance to it, in float32 or float64.
// points [n, d], centres [k, d], labels [n], squared [n]. A thread a point; grid (ceil(n / threads)).
#include "common.h"

template <typename T>
__device__ __forceinline__ void nearest_centre(const T* points, const T* centres, int n, int k, int d, int* labels, double* squared)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
    {
        return;
    }
    points += (long long)i * d;
    int nearest = 0;
    double least = __builtin_inf();
    for (int c = 0; c < k; c++)
    {
        double sum = 0;
        for (int j = 0; j < d; j++)
        {
            double difference = (double)points[j] - (double)centres[(long long)c * d + j];
            sum += difference * difference;
        }
        if (sum < least)
        {
            least = sum;
            nearest = c;
        }
    }
    labels[i] = nearest;
    squared[i] = least;
}

extern "C" __global__ void nearest_centre_f32(const float* points, const float* centres, int n, int k, int d, int* labels, double* squared)
{
    nearest_centre(points, centres, n, k, d, labels, squared);
}

extern "C" __global__ void nearest_centre_f64(const double* points, const double* centres, int n, int k, int d, int* labels, double* squared)
{
    nearest_centre(points, centres, n, k, d, labels, squared);
}
