// The kernels of this library by name.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace icc_host
{
template <auto Function>
struct Invoke;

template <typename... P, void (*Function)(P...)>
struct Invoke<Function>
{
    static constexpr size_t sizes[] = {sizeof(P)...};

    // Unchecked: the parameters are memory of the host.
    template <size_t... I>
    __attribute__((no_sanitize("thread"))) static void apply(void** parameters, std::index_sequence<I...>)
    {
        Function(*static_cast<P*>(parameters[I])...);
    }

    __attribute__((no_sanitize("thread"))) static void run(void** parameters) { apply(parameters, std::index_sequence_for<P...>{}); }
};

struct KernelEntry
{
    std::string_view name;
    void (*run)(void** parameters);
    std::span<const size_t> sizes; // of the parameters

    template <auto Function>
    static KernelEntry of(std::string_view name)
    {
        return {name, Invoke<Function>::run, Invoke<Function>::sizes};
    }
};

// Adds kernels to those that modules may name.
struct Kernels
{
    Kernels(std::initializer_list<KernelEntry> entries);
};

const std::vector<KernelEntry>& kernels();
} // namespace icc_host
