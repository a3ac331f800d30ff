// For every row the index of its largest element among the allowed ones, the first of equals; NaN never wins, but stays where it is
// first, for no comparison removes it.
// logits [rows, vocabulary], allowed [count] ascending or null for all (count = vocabulary), best [rows]; grid (rows), 256 threads.
#include "common.h"

constexpr int kThreads = 256;

extern "C" __global__ void argmax(const float* logits, int vocabulary, const int* allowed, int count, int* best)
{
    __shared__ float values[kThreads];
    __shared__ int places[kThreads];
    logits += (long long)blockIdx.x * vocabulary;
    float value = -kInfinity;
    int place = count;
    for (int i = threadIdx.x; i < count; i += kThreads)
    {
        float candidate = logits[allowed ? allowed[i] : i];
        if (candidate > value || place == count)
        {
            value = candidate == candidate || i == 0 ? candidate : -kInfinity;
            place = i;
        }
    }
    values[threadIdx.x] = value;
    places[threadIdx.x] = place;
    __syncthreads();
    if (threadIdx.x > 0)
    {
        return;
    }
    for (int t = 1; t < kThreads && t < count; t++)
    {
        if (values[t] > value || (values[t] == value && places[t] < place))
        {
            value = values[t];
            place = places[t];
        }
    }
    best[blockIdx.x] = allowed ? allowed[place] : place;
}
