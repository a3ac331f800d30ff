// The kernels of this library by name.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace icc_host
{
struct KernelEntry
{
    std::string_view name;
    void (*run)(void** parameters);
    std::span<const size_t> sizes; // of the parameters
};

std::span<const KernelEntry> kernels();
} // namespace icc_host
