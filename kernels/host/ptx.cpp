#include "ptx.h"

#include <cstdio>
#include <sstream>

namespace icc_host
{
namespace
{
// Bytes of "... name[N]", or 0.
size_t extent(const std::string& line)
{
    size_t open = line.rfind('[');
    return open == std::string::npos ? 0 : std::stoul(line.substr(open + 1));
}

size_t parameter_size(const std::string& line)
{
    if (size_t bytes = extent(line))
    {
        return bytes;
    }
    return line.find("64 ") != std::string::npos ? 8 : 4;
}
} // namespace

bool Ptx::parse(const std::string& text)
{
    std::istringstream lines(text);
    PtxEntry* entry = nullptr;
    for (std::string line; std::getline(lines, line);)
    {
        char name[256];
        char letter;
        int major, minor;
        if (sscanf(line.c_str(), ".version %d.%d", &major, &minor) == 2)
        {
            version = 10 * major + minor;
        }
        else if (int read = sscanf(line.c_str(), ".target sm_%d%c", &major, &letter); read >= 1)
        {
            target = major;
            one = read == 2 && letter == 'a';
        }
        else if (sscanf(line.c_str(), ".visible .entry %255[^(](", name) == 1)
        {
            entry = &entries[name];
        }
        else if (entry && line.find(".param ") == 1)
        {
            entry->sizes.push_back(parameter_size(line));
        }
        else if (entry && line.find(".shared ") == 1)
        {
            entry->shared += extent(line);
        }
    }
    return version > 0 && target > 0 && !entries.empty();
}
} // namespace icc_host
