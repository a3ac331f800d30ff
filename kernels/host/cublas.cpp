// What the backend calls of cuBLAS, plainly, for the one kind of product that it asks for: column-major, A transposed, bfloat16 in and
// float32 out.
#include <cstdint>

#include "machine.h"

namespace
{
enum Status
{
    kSuccess = 0,
    kInvalidValue = 7,
    kExecutionFailed = 13,
    kNotSupported = 15,
};

enum Constant
{
    kNotTransposed = 0,
    kTransposed = 1,
    kFloat32 = 0,
    kBFloat16 = 14,
    kComputeFloat32 = 68,
};

struct Handle
{
    icc_host::Stream* stream = nullptr;
};

float widen(uint16_t bits)
{
    uint32_t word = (uint32_t)bits << 16;
    float value;
    __builtin_memcpy(&value, &word, sizeof value);
    return value;
}
} // namespace

#pragma GCC visibility push(default)
extern "C"
{
Status cublasCreate_v2(Handle** handle)
{
    *handle = new Handle;
    return kSuccess;
}

Status cublasDestroy_v2(Handle* handle)
{
    delete handle;
    return kSuccess;
}

Status cublasSetStream_v2(Handle* handle, void* stream)
{
    handle->stream = static_cast<icc_host::Stream*>(stream);
    return kSuccess;
}

Status cublasGemmEx(
    Handle* handle, int transposeA, int transposeB, int m, int n, int k, const float* alpha, const uint16_t* a, int typeA, int strideA,
    const uint16_t* b, int typeB, int strideB, const float* beta, float* c, int typeC, int strideC, int compute, int)
{
    if (!handle || !handle->stream || m < 0 || n < 0 || k < 0 || strideA < k || strideB < k || strideC < m)
    {
        return kInvalidValue;
    }
    if (transposeA != kTransposed || transposeB != kNotTransposed || typeA != kBFloat16 || typeB != kBFloat16 || typeC != kFloat32
        || compute != kComputeFloat32)
    {
        return kNotSupported;
    }
    if (icc_host::machine.cublas > 0)
    {
        return (Status)icc_host::machine.cublas;
    }
    auto multiply = [=, factor = *alpha + (icc_host::machine.cublas < 0 ? 1 : 0), old = *beta]
    {
        for (int column = 0; column < n; column++)
        {
            for (int row = 0; row < m; row++)
            {
                float sum = 0;
                for (int i = 0; i < k; i++)
                {
                    sum += widen(a[(int64_t)row * strideA + i]) * widen(b[(int64_t)column * strideB + i]);
                }
                float& result = c[(int64_t)column * strideC + row];
                result = factor * sum + (old == 0 ? 0 : old * result);
            }
        }
        return icc_host::kSuccess;
    };
    return icc_host::working() == icc_host::kSuccess && handle->stream->put(multiply) == icc_host::kSuccess ? kSuccess : kExecutionFailed;
}
}
#pragma GCC visibility pop
