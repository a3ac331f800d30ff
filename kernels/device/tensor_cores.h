// Matrix products of a warp on tensor cores, and what feeds them: loads of fragments and copies past the registers. Names and layouts of
// fragments are those of the PTX ISA, "Warp Level Matrix Multiply-Accumulate Instructions". All 32 lanes of the warp take part in mma and
// ldmatrix. The twin for the host is ../host/tensor_cores.h.
#pragma once

#include "icc_cuda.h"

// Shared memory whose size the launch gives.
#define DYNAMIC_SHARED(name) extern __shared__ __attribute__((aligned(1024))) unsigned char name[]

__device__ inline unsigned shared_address(const void* pointer)
{
    return (unsigned)(unsigned long long)(const __attribute__((address_space(3))) void*)pointer;
}

// Two float32 rounded to bfloat16 (to nearest, ties to even), the first in the low half.
__device__ inline unsigned pack_bf16(float low, float high)
{
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

// d += a b: a [16, 16] of bfloat16 by rows, b [16, 8] by columns, d [16, 8] of float32. With g = lane / 4 and t = lane % 4, pairs of
// bfloat16 in the low and high half: a[0] (g, 2t..), a[1] (g + 8, 2t..), a[2] (g, 2t + 8..), a[3] (g + 8, 2t + 8..); b[0] (2t.., g),
// b[1] (2t + 8.., g); d[0], d[1] (g, 2t..), d[2], d[3] (g + 8, 2t..).
__device__ inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four matrices of 8 rows of 16 bytes in shared memory; lane i gives the address of row i % 8 of matrix i / 8, a multiple of 16.
// words[m] is the word lane % 4 of row lane / 4 of matrix m.
__device__ inline void ldmatrix_x4(unsigned (&words)[4], const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
        : "r"(shared_address(row))
        : "memory");
}

// The same matrices of 8 x 8 numbers of 2 bytes transposed: words[m] has the numbers lane / 4 of rows 2 (lane % 4) and the next one.
__device__ inline void ldmatrix_x4_trans(unsigned (&words)[4], const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
        : "r"(shared_address(row))
        : "memory");
}

// Begins a copy of 16 bytes from device to shared memory, both addresses multiples of 16; bytes beyond `bytes` (0 to 16) are not read and
// become zeros. What is there is undefined until cp_async_wait; other threads see it after a barrier that follows.
__device__ inline void cp_async_16(void* to, const void* from, int bytes = 16)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}

// Makes a group of this thread's copies since the last one.
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits for all of this thread's groups but the last `Pending`.
template <int Pending>
__device__ inline void cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}
