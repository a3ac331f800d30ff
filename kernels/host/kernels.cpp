// Every kernel, compiled for the processor. Each source has a namespace, for they are separate modules on the device.
#include "kernels.h"

#include "attention_fragments.h"
#include "attention_stages.h"
#include "linear_tiles.h"
#include "tap_lanes.h"
#include "tensor_cores.h"
#include "warpgroup.h"

namespace affinity_cu
{
#include "affinity.cu"
}
namespace attention_cu
{
#include "attention.cu"
}
namespace attention_mma_cu
{
#include "attention_mma.cu"
}
namespace attention_probabilities_cu
{
#include "attention_probabilities.cu"
}
namespace attention_wgmma_cu
{
#include "attention_wgmma.cu"
}
namespace bf16_terms_cu
{
#include "bf16_terms.cu"
}
namespace copy_page_cu
{
#include "copy_page.cu"
}
namespace embed_cu
{
#include "embed.cu"
}
namespace lanczos_cu
{
#include "lanczos.cu"
}
namespace linear_few_cu
{
#include "linear_few.cu"
}
namespace linear_few_int8_cu
{
#include "linear_few_int8.cu"
}
namespace linear_mma_cu
{
#include "linear_mma.cu"
}
namespace linear_sum_cu
{
#include "linear_sum.cu"
}
namespace linear_wgmma_cu
{
#include "linear_wgmma.cu"
}
namespace nearest_centre_cu
{
#include "nearest_centre.cu"
}
namespace peak_cu
{
#include "peak.cu"
}
namespace rmsnorm_cu
{
#include "rmsnorm.cu"
}
namespace rotate_and_store_cu
{
#include "rotate_and_store.cu"
}
namespace sample_cu
{
#include "sample.cu"
}
namespace silu_multiply_cu
{
#include "silu_multiply.cu"
}
namespace tap_reduce_cu
{
#include "tap_reduce.cu"
}

namespace icc_host
{
namespace
{
#define KERNEL(source, name) KernelEntry::of<&source##_cu::name>(#name)

const Kernels all({
    KERNEL(affinity, add_affinity_f32),
    KERNEL(affinity, add_affinity_f32_f64),
    KERNEL(affinity, add_affinity_f64),
    KERNEL(affinity, mean_affinity_f32),
    KERNEL(affinity, mean_affinity_f64),
    KERNEL(affinity, neighbour_labels_f32),
    KERNEL(affinity, neighbour_labels_f64),
    KERNEL(affinity, normalise_affinity_f32),
    KERNEL(affinity, normalise_affinity_f64),
    KERNEL(attention, attention_64_f32),
    KERNEL(attention, attention_tapped_64_f32),
    KERNEL(attention, attention_64_bf16),
    KERNEL(attention, attention_tapped_64_bf16),
    KERNEL(attention, attention_128_f32),
    KERNEL(attention, attention_tapped_128_f32),
    KERNEL(attention, attention_128_bf16),
    KERNEL(attention, attention_tapped_128_bf16),
    KERNEL(attention, attention_256_f32),
    KERNEL(attention, attention_tapped_256_f32),
    KERNEL(attention, attention_256_bf16),
    KERNEL(attention, attention_tapped_256_bf16),
    KERNEL(attention, attention_merge),
    KERNEL(attention_mma, attention_mma_64),
    KERNEL(attention_mma, attention_tapped_mma_64),
    KERNEL(attention_mma, attention_mma_96),
    KERNEL(attention_mma, attention_tapped_mma_96),
    KERNEL(attention_mma, attention_mma_128),
    KERNEL(attention_mma, attention_tapped_mma_128),
    KERNEL(attention_mma, attention_mma_256),
    KERNEL(attention_mma, attention_tapped_mma_256),
    KERNEL(attention_mma, attention_few_mma_64),
    KERNEL(attention_mma, attention_few_mma_96),
    KERNEL(attention_mma, attention_few_mma_128),
    KERNEL(attention_mma, attention_few_mma_256),
    KERNEL(attention_probabilities, attention_probabilities_f32),
    KERNEL(attention_probabilities, attention_probabilities_bf16),
    KERNEL(attention_wgmma, attention_wgmma_64),
    KERNEL(attention_wgmma, attention_wgmma_128),
    KERNEL(attention_wgmma, attention_tapped_wgmma_64),
    KERNEL(attention_wgmma, attention_tapped_wgmma_128),
    KERNEL(bf16_terms, bf16_terms_f32),
    KERNEL(bf16_terms, bf16_terms_bf16),
    KERNEL(bf16_terms, bf16_terms_f16),
    KERNEL(bf16_terms, bf16_terms_int8),
    KERNEL(copy_page, copy_page),
    KERNEL(embed, embed_f32),
    KERNEL(embed, embed_bf16),
    KERNEL(embed, embed_f16),
    KERNEL(embed, embed_int8),
    KERNEL(lanczos, row_dots_f32),
    KERNEL(lanczos, row_dots_f64),
    KERNEL(lanczos, subtract_rows_f32),
    KERNEL(lanczos, subtract_rows_f64),
    KERNEL(lanczos, divide_by_norm_f32),
    KERNEL(lanczos, divide_by_norm_f64),
    KERNEL(linear_few, linear_1_f32),
    KERNEL(linear_few, linear_1_bf16),
    KERNEL(linear_few, linear_1_f16),
    KERNEL(linear_few, linear_8_f32),
    KERNEL(linear_few, linear_8_bf16),
    KERNEL(linear_few, linear_8_f16),
    KERNEL(linear_few_int8, linear_1_int8),
    KERNEL(linear_few_int8, linear_8_int8),
    KERNEL(linear_mma, linear_mma_128_f32),
    KERNEL(linear_mma, linear_mma_128_bf16),
    KERNEL(linear_mma, linear_mma_64_f32),
    KERNEL(linear_mma, linear_mma_64_bf16),
    KERNEL(linear_sum, linear_sum),
    KERNEL(linear_wgmma, linear_wgmma_128_f32),
    KERNEL(linear_wgmma, linear_wgmma_128_bf16),
    KERNEL(linear_wgmma, linear_wgmma_256_bf16),
    KERNEL(nearest_centre, nearest_centre),
    KERNEL(peak, peak_bf16),
    KERNEL(rmsnorm, rmsnorm),
    KERNEL(rotate_and_store, rotate_and_store_f32),
    KERNEL(rotate_and_store, rotate_and_store_bf16),
    KERNEL(sample, sample),
    KERNEL(sample, log_probabilities),
    KERNEL(silu_multiply, silu_multiply),
    KERNEL(tap_reduce, tap_reduce_1),
    KERNEL(tap_reduce, tap_reduce_32),
});
} // namespace
} // namespace icc_host
