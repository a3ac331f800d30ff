// Products of a warpgroup (four warps, the first a multiple of four) on the tensor cores of compute capability 9.0, straight from shared
// memory: "Asynchronous Warpgroup Level Matrix Instructions" of the PTX ISA, target sm_90a. The twin for the host is ../host/warpgroup.h.
#pragma once

#include "tensor_cores.h"

// What this thread wrote to shared memory becomes visible to wgmma, in the order of a barrier that follows.
__device__ inline void fence_proxy_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Before the first wgmma, and where registers of its sums were touched since the last one was waited for.
__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// The registers of sums as operands of an instruction.
#define ICC_SUMS_32(d) \
    "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
    "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
    "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
    "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define ICC_SUMS_64(d) \
    ICC_SUMS_32(d), \
    "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), \
    "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
    "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
    "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])

// d += a b, or d = a b: a [64, 16] and b [16, 128] of bfloat16 in shared memory, named by matrix descriptors, both with inputs side by
// side; d of float32. Warp w of the group has rows 16 w ..; there, with g = lane / 4 and t = lane % 4, d[4 j + 2 i + k] is
// (g + 8 i, 8 j + 2 t + k). What is in d is undefined until wgmma_wait.
template <bool Add = true>
__device__ inline void wgmma_m64n128k16_bf16(float (&d)[64], unsigned long long a, unsigned long long b)
{
    asm volatile("{.reg .pred add; setp.ne.b32 add, %66, 0; wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
        "%64, %65, add, 1, 1, 0, 0;}"
        : ICC_SUMS_64(d)
        : "l"(a), "l"(b), "n"((int)Add));
}

// d += a b likewise, with a in registers, laid out as for mma in each warp, and the columns of b side by side. Neither a nor d may be
// touched until wgmma_wait.
__device__ inline void wgmma_m64k16_bf16_columns(float (&d)[64], const unsigned (&a)[4], unsigned long long b)
{
    asm volatile("{.reg .pred add; setp.ne.b32 add, 1, 0; wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
        "{%64, %65, %66, %67}, %68, add, 1, 1, 1;}"
        : ICC_SUMS_64(d)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

// With 64 columns.
__device__ inline void wgmma_m64k16_bf16_columns(float (&d)[32], const unsigned (&a)[4], unsigned long long b)
{
    asm volatile("{.reg .pred add; setp.ne.b32 add, 1, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
        "{%32, %33, %34, %35}, %36, add, 1, 1, 1;}"
        : ICC_SUMS_32(d)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

// What is computed of these registers stays on the side of this call where it is written: before products that change them, and after
// they were waited for.
__device__ inline void hold(float (&d)[64]) { asm volatile("" : ICC_SUMS_64(d)::"memory"); }

__device__ inline void hold(float (&d)[32]) { asm volatile("" : ICC_SUMS_32(d)::"memory"); }

// The same number, of which the compiler does not know that it is the same.
__device__ inline unsigned anew(unsigned number)
{
    asm volatile("" : "+r"(number));
    return number;
}

#undef ICC_SUMS_32
#undef ICC_SUMS_64

// Makes a group of the products since the last one.
__device__ inline void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Waits for all groups but the last `Pending`.
template <int Pending>
__device__ inline void wgmma_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

// The same once `computed`, which is not negative, is known: ptxas would move the wait up and what is computed below it. Nothing moves
// over an instruction that may stop the warp, even if it never does.
template <int Pending>
__device__ inline void wgmma_wait_after(float computed)
{
    asm volatile("{.reg .pred never; setp.lt.f32 never, %0, 0f00000000; @never bar.warp.sync 0xffffffff;}" ::"f"(computed) : "memory");
    wgmma_wait<Pending>();
}
