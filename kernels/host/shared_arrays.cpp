#include "shared_arrays.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tensor_cores.h"

namespace icc_host
{
namespace
{
void stop(const char* why)
{
    fprintf(stderr, "the arrays of shared memory cannot be found: %s\n", why);
    abort();
}

// "weights" of "void attention_cu::attention<64, 64, 32>(...)::weights".
std::string short_name(const char* symbol)
{
    int status;
    char* text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
    std::string name = text ? text : symbol;
    free(text);
    size_t colons = name.rfind("::");
    return colons == std::string::npos ? name : name.substr(colons + 2);
}

std::vector<SharedArray> read()
{
    Dl_info self;
    if (!dladdr(reinterpret_cast<void*>(&short_name), &self))
    {
        stop("the library does not know its own path");
    }
    std::ifstream file(self.dli_fname, std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.size() < sizeof(Elf64_Ehdr) || bytes[EI_CLASS] != ELFCLASS64)
    {
        stop("the library's file is no ELF file of 64 bits");
    }
    auto header = reinterpret_cast<const Elf64_Ehdr*>(bytes.data());
    auto sections = reinterpret_cast<const Elf64_Shdr*>(bytes.data() + header->e_shoff);
    std::vector<SharedArray> arrays;
    for (int s = 0; s < header->e_shnum; s++)
    {
        if (sections[s].sh_type != SHT_SYMTAB)
        {
            continue;
        }
        auto symbols = reinterpret_cast<const Elf64_Sym*>(bytes.data() + sections[s].sh_offset);
        const char* names = bytes.data() + sections[sections[s].sh_link].sh_offset;
        for (size_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); i++)
        {
            // Variables of functions only (_ZZ..): those of the library's own are of none.
            const char* name = names + symbols[i].st_name;
            if (ELF64_ST_TYPE(symbols[i].st_info) == STT_TLS && strncmp(name, "_ZZ", 3) == 0)
            {
                std::string array = short_name(name);
                arrays.push_back({array, {symbols[i].st_value, symbols[i].st_size}, array == "dynamic_memory"});
            }
        }
    }
    if (arrays.empty())
    {
        stop("the library has no symbol table");
    }
    std::sort(arrays.begin(), arrays.end(), [](const SharedArray& a, const SharedArray& b) { return a.place.start < b.place.start; });
    return arrays;
}

int find(dl_phdr_info* library, size_t, void* result)
{
    bool own = false;
    size_t bytes = 0;
    for (int i = 0; i < library->dlpi_phnum; i++)
    {
        const auto& segment = library->dlpi_phdr[i];
        MemoryRange loaded{library->dlpi_addr + segment.p_vaddr, segment.p_memsz};
        own |= segment.p_type == PT_LOAD && loaded.holds(reinterpret_cast<uintptr_t>(&find));
        bytes = segment.p_type == PT_TLS ? segment.p_memsz : bytes;
    }
    if (own)
    {
        *static_cast<MemoryRange*>(result) = {reinterpret_cast<uintptr_t>(library->dlpi_tls_data), bytes};
    }
    return own;
}
} // namespace

unsigned char* dynamic_shared()
{
    alignas(1024) static thread_local unsigned char dynamic_memory[kMostDynamic];
    return dynamic_memory;
}

const std::vector<SharedArray>& shared_arrays()
{
    static const std::vector<SharedArray> arrays = read();
    return arrays;
}

MemoryRange shared_memory()
{
    place.thread = {0, 0, 0}; // touched, so that this thread has its thread-local memory
    MemoryRange memory;
    dl_iterate_phdr(find, &memory);
    if (memory.start == 0)
    {
        stop("the library is not among those that are loaded");
    }
    return memory;
}
} // namespace icc_host
