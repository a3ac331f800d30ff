// What a PTX text says of itself: enough to hold the kernels that were compiled for the processor against it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace icc_host
{
struct PtxEntry
{
    std::vector<size_t> sizes; // of the parameters
    size_t shared = 0;         // bytes of shared memory
};

struct Ptx
{
    int version = 0; // 78 for 7.8
    int target = 0;  // 90 for sm_90
    bool one = false; // of sm_90a: for devices of this capability alone
    std::map<std::string, PtxEntry, std::less<>> entries;

    // False where the text is no PTX.
    bool parse(const std::string& text);
};
} // namespace icc_host
