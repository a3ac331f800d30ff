// What happened before what in the running block where no barrier of the whole block says it: between threads that arrive at a barrier in
// shared memory and those that wait for it, and between a thread and the products of wgmma that it begins and waits for, which read as
// actors of their own: thread t of n has actor t, its products n + t.
// Time is a count for the whole process. Each access has the time of its actor; when an actor tells others what it did, its time moves on.
#pragma once

#include <cstdint>
#include <vector>

namespace icc_host
{
// Of each actor the time up to which what it did is known to have happened before.
using Knowledge = std::vector<uint64_t>;

class Orders
{
public:
    // All threads of the block have met, or it begins.
    void all_meet(uint64_t time) { floor_ = time; }

    // Of the last barrier of all.
    uint64_t floor() const { return floor_; }

    // When the actor does what it does now.
    uint64_t time_of(unsigned actor) const { return actor < own_.size() && own_[actor] > floor_ ? own_[actor] : floor_; }

    // Whether an access by the other one, in this block, happened before what the actor does now.
    bool before(uint64_t time, unsigned other, unsigned actor) const
    {
        return time < floor_ || other == actor || (actor < known_.size() && other < known_[actor].size() && time <= known_[actor][other]);
    }

    // Adds to `board` what the actor knows and did, whose time moves on to `next`.
    void tell(unsigned actor, Knowledge& board, uint64_t next);

    void learn(unsigned actor, const Knowledge& board);

    // A product of the actor's begins: it knows what the actor knows, and did.
    void begin_product(unsigned actor, unsigned product, uint64_t next);

    // What the other one did up to a time happened before.
    void learn(unsigned actor, unsigned other, uint64_t time);

private:
    uint64_t floor_ = 0;
    std::vector<uint64_t> own_;
    std::vector<Knowledge> known_;
    std::vector<unsigned> versions_, told_; // of what an actor knows or did, and of what its products know
};
} // namespace icc_host
