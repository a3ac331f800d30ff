// The attention probabilities themselves, for rows of one sequence and one head; for inspection.
// query: the head's first row of the tile, rows `stride` elements apart; probabilities [rows, columns], zero where the mask hides a key
// and beyond the sequence. Grid (rows), a multiple of 32 threads.
#include "paged.h"

template <typename T>
__device__ __forceinline__ void attention_probabilities(
    const KvView<T>& kv, const float* query, int stride, const int* pages, int kvHead, int position, int length, float* probabilities, int columns)
{
    __shared__ float room[32];
    position += blockIdx.x;
    query += (long long)blockIdx.x * stride;
    probabilities += (long long)blockIdx.x * columns;
    int first = first_key(kv, position), end = end_key(kv, position, length);
    float largest = -kInfinity;
    for (int k = first + threadIdx.x; k < end; k += blockDim.x)
    {
        const T* key = kv.keys + kv_offset(kv, pages, k, kvHead);
        float score = 0;
        for (int d = 0; d < kv.headDim; d++)
        {
            score += query[d] * kv.scale * widen(key[d]);
        }
        probabilities[k] = score;
        largest = score > largest ? score : largest;
    }
    largest = block_max(largest, room);
    float sum = 0;
    for (int k = first + threadIdx.x; k < end; k += blockDim.x)
    {
        probabilities[k] = exponential(probabilities[k] - largest);
        sum += probabilities[k];
    }
    float inverse = 1.f / block_sum(sum, room);
    for (int k = threadIdx.x; k < columns; k += blockDim.x)
    {
        bool seen = k >= first && k < end;
        probabilities[k] = seen ? probabilities[k] * inverse : 0.f;
    }
}

extern "C" __global__ void attention_probabilities_f32(
    KvView<float> kv, const float* query, int stride, const int* pages, int kvHead, int position, int length, float* probabilities, int columns)
{
    attention_probabilities(kv, query, stride, pages, kvHead, position, length, probabilities, columns);
}

extern "C" __global__ void attention_probabilities_bf16(
    KvView<BFloat16> kv, const float* query, int stride, const int* pages, int kvHead, int position, int length, float* probabilities, int columns)
{
    attention_probabilities(kv, query, stride, pages, kvHead, position, length, probabilities, columns);
}
