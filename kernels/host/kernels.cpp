// Every kernel, compiled for the processor. Each source has a namespace, for they are separate modules on the device.
#include "kernels.h"

#include <utility>

#include "paged.h"

namespace affinity_cu
{
#include "affinity.cu"
}
namespace argmax_cu
{
#include "argmax.cu"
}
namespace attention_cu
{
#include "attention.cu"
}
namespace attention_probabilities_cu
{
#include "attention_probabilities.cu"
}
namespace attention_tap_cu
{
#include "attention_tap.cu"
}
namespace embed_cu
{
#include "embed.cu"
}
namespace lanczos_cu
{
#include "lanczos.cu"
}
namespace linear_cu
{
#include "linear.cu"
}
namespace linear_few_cu
{
#include "linear_few.cu"
}
namespace rmsnorm_cu
{
#include "rmsnorm.cu"
}
namespace rotate_and_store_cu
{
#include "rotate_and_store.cu"
}
namespace silu_multiply_cu
{
#include "silu_multiply.cu"
}

namespace icc_host
{
namespace
{
template <auto Function>
struct Invoke;

template <typename... P, void (*Function)(P...)>
struct Invoke<Function>
{
    static constexpr size_t sizes[] = {sizeof(P)...};

    // The parameters are the launcher's memory, not the device's.
    template <size_t... I>
    __attribute__((no_sanitize("thread"))) static void apply(void** parameters, std::index_sequence<I...>)
    {
        Function(*static_cast<P*>(parameters[I])...);
    }

    __attribute__((no_sanitize("thread"))) static void run(void** parameters) { apply(parameters, std::index_sequence_for<P...>{}); }
};

#define KERNEL(source, name) KernelEntry{#name, Invoke<&source##_cu::name>::run, Invoke<&source##_cu::name>::sizes}

constexpr KernelEntry entries[] = {
    KERNEL(affinity, add_affinity_f32),
    KERNEL(affinity, add_affinity_f32_f64),
    KERNEL(affinity, add_affinity_f64),
    KERNEL(affinity, mean_affinity_f32),
    KERNEL(affinity, mean_affinity_f64),
    KERNEL(affinity, neighbour_labels_f32),
    KERNEL(affinity, neighbour_labels_f64),
    KERNEL(affinity, normalise_affinity_f32),
    KERNEL(affinity, normalise_affinity_f64),
    KERNEL(argmax, argmax),
    KERNEL(attention, attention_64),
    KERNEL(attention, attention_128),
    KERNEL(attention, attention_256),
    KERNEL(attention, attention_merge),
    KERNEL(attention_probabilities, attention_probabilities),
    KERNEL(attention_tap, attention_tap_64),
    KERNEL(attention_tap, attention_tap_128),
    KERNEL(attention_tap, attention_tap_256),
    KERNEL(attention_tap, attention_tap_reduce),
    KERNEL(embed, embed_f32),
    KERNEL(embed, embed_bf16),
    KERNEL(embed, embed_f16),
    KERNEL(lanczos, row_dots_f32),
    KERNEL(lanczos, row_dots_f64),
    KERNEL(lanczos, subtract_rows_f32),
    KERNEL(lanczos, subtract_rows_f64),
    KERNEL(lanczos, divide_by_norm_f32),
    KERNEL(lanczos, divide_by_norm_f64),
    KERNEL(linear, linear_f32),
    KERNEL(linear, linear_bf16),
    KERNEL(linear, linear_f16),
    KERNEL(linear_few, linear_1_f32),
    KERNEL(linear_few, linear_1_bf16),
    KERNEL(linear_few, linear_1_f16),
    KERNEL(linear_few, linear_8_f32),
    KERNEL(linear_few, linear_8_bf16),
    KERNEL(linear_few, linear_8_f16),
    KERNEL(rmsnorm, rmsnorm),
    KERNEL(rotate_and_store, rotate_and_store),
    KERNEL(silu_multiply, silu_multiply),
};
} // namespace

std::span<const KernelEntry> kernels() { return entries; }
} // namespace icc_host
