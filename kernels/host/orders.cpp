#include "orders.h"

#include <algorithm>

namespace icc_host
{
namespace
{
void join(Knowledge& to, const Knowledge& from)
{
    to.resize(std::max(to.size(), from.size()));
    std::transform(from.begin(), from.end(), to.begin(), to.begin(), [](uint64_t a, uint64_t b) { return std::max(a, b); });
}

template <typename T>
T& at(std::vector<T>& values, unsigned index)
{
    values.resize(std::max<size_t>(values.size(), index + 1));
    return values[index];
}
} // namespace

void Orders::tell(unsigned actor, Knowledge& board, uint64_t next)
{
    join(board, at(known_, actor));
    at(board, actor) = time_of(actor);
    at(own_, actor) = next;
    at(versions_, actor)++;
}

void Orders::learn(unsigned actor, const Knowledge& board)
{
    join(at(known_, actor), board);
    at(versions_, actor)++;
}

void Orders::learn(unsigned actor, unsigned other, uint64_t time)
{
    uint64_t& known = at(at(known_, actor), other);
    known = std::max(known, time);
    at(versions_, actor)++;
}

void Orders::begin_product(unsigned actor, unsigned product, uint64_t next)
{
    if (unsigned& told = at(told_, actor); told == 0 || told != at(versions_, actor))
    {
        Knowledge board;
        tell(actor, board, next);
        learn(product, board);
        told = versions_[actor];
    }
    if (time_of(product) == floor_)
    {
        at(own_, product) = next; // later than what was begun before the last barrier, wherever that ends
    }
}
} // namespace icc_host
