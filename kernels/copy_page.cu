// Copies a page of the KV cache in every layer, keys and values: cache [2 layers, pages, words of a page].
// Grid (2 layers), 256 threads.
#include "common.h"

extern "C" __global__ void copy_page(unsigned* cache, int pages, int words, int from, int to)
{
    long long layer = (long long)blockIdx.x * pages;
    for (int i = threadIdx.x; i < words; i += blockDim.x)
    {
        cache[(layer + to) * words + i] = cache[(layer + from) * words + i];
    }
}
