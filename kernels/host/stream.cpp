// Streams, events, launches and graphs behind the driver's entry points.
#include <cstring>
#include <memory>
#include <vector>

#include "checker.h"
#include "fibers.h"
#include "machine.h"
#include "sanitizer.h"

using namespace icc_host;

namespace
{
// A launch with a copy of its parameters.
struct Launch
{
    const Function* function;
    dim3 blocks, threads;
    unsigned shared;
    std::vector<std::vector<std::byte>> values;

    Launch(void* kernel, dim3 blocks_, dim3 threads_, unsigned shared_, void** parameters)
        : function(static_cast<Function*>(kernel)), blocks(blocks_), threads(threads_), shared(shared_)
    {
        for (size_t size : function->kernel->sizes)
        {
            auto first = static_cast<std::byte*>(*parameters++);
            values.emplace_back(first, first + size);
        }
    }

    bool valid() const
    {
        return blocks.x >= 1 && blocks.x <= 0x7fffffff && blocks.y >= 1 && blocks.y <= 65535 && blocks.z >= 1 && blocks.z <= 65535
            && threads.x >= 1 && threads.x <= 1024 && threads.y == 1 && threads.z == 1 && shared <= function->dynamic;
    }

    Result run() const
    {
        std::vector<void*> parameters;
        for (auto& value : values)
        {
            parameters.push_back(const_cast<std::byte*>(value.data()));
        }
        place.threads = threads;
        place.blocks = blocks;
        place.shared = shared;
        check_launch();
        guard_shared_memory(shared);
        note_kernel(function->kernel->name);
        Kernel kernel{function->kernel->run, parameters.data()};
        for (unsigned z = 0; z < blocks.z; z++)
        {
            for (unsigned y = 0; y < blocks.y; y++)
            {
                for (unsigned x = 0; x < blocks.x; x++)
                {
                    place.block = {x, y, z};
                    place.thread = {0, 0, 0};
                    bool ended = run_block(kernel);
                    if (!ended || !sanitizer_report().empty())
                    {
                        return check_report().empty() && sanitizer_report().empty() ? kLaunchFailed : kWrongAccess;
                    }
                }
            }
        }
        return kSuccess;
    }
};

struct Event
{
    Stream* stream = nullptr;
    std::shared_ptr<bool> passed = std::make_shared<bool>(true); // the event may be destroyed before that
};

// As CUDA_KERNEL_NODE_PARAMS_v1.
struct KernelNodeParameters
{
    void* function;
    unsigned blocksX, blocksY, blocksZ, threadsX, threadsY, threadsZ, shared;
    void** parameters;
    void** extra;

    Launch launch() const { return {function, {blocksX, blocksY, blocksZ}, {threadsX, threadsY, threadsZ}, shared, parameters}; }
};

struct Node
{
    Launch launch;
};

struct Graph
{
    std::vector<std::unique_ptr<Node>> nodes; // what one waits for stands before it
};

struct ReadyGraph
{
    const Graph* graph;
    std::vector<Launch> launches;
};
} // namespace

#pragma GCC visibility push(default)
extern "C"
{
Result cuStreamCreate(void** result, unsigned flags)
{
    Result state = working();
    if (state != kSuccess || flags > 1)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    *result = new Stream();
    std::lock_guard hold(machine.lock);
    machine.streams.insert(*result);
    return kSuccess;
}

Result cuStreamSynchronize(void* stream)
{
    machine.waits++;
    Result state = working(stream);
    return state != kSuccess ? state : static_cast<Stream*>(stream)->finish();
}

Result cuStreamDestroy_v2(void* stream)
{
    std::unique_lock hold(machine.lock);
    if (machine.streams.erase(stream) == 0)
    {
        return kInvalidHandle;
    }
    hold.unlock();
    static_cast<Stream*>(stream)->finish();
    delete static_cast<Stream*>(stream);
    return ready();
}

Result cuEventCreate(void** result, unsigned flags)
{
    Result state = ready();
    if (state != kSuccess || flags > 7)
    {
        return state != kSuccess ? state : kInvalidValue;
    }
    *result = new Event();
    machine.events++;
    return kSuccess;
}

Result cuEventRecord(void* given, void* stream)
{
    auto event = static_cast<Event*>(given);
    Result state = working(stream);
    if (state != kSuccess)
    {
        return state;
    }
    event->stream = static_cast<Stream*>(stream);
    event->passed = std::make_shared<bool>(false);
    return event->stream->put([passed = event->passed] { *passed = true; return kSuccess; });
}

Result cuEventQuery(void* event)
{
    Result state = ready();
    return state != kSuccess ? state : *static_cast<Event*>(event)->passed ? kSuccess : kNotReady;
}

Result cuEventSynchronize(void* given)
{
    machine.waits++;
    auto event = static_cast<Event*>(given);
    Result state = working();
    return state != kSuccess || !event->stream ? state : event->stream->finish();
}

Result cuEventDestroy_v2(void* event)
{
    delete static_cast<Event*>(event);
    machine.events--;
    return ready();
}

Result cuLaunchKernel(
    void* function, unsigned blocksX, unsigned blocksY, unsigned blocksZ, unsigned threadsX, unsigned threadsY, unsigned threadsZ,
    unsigned shared, void* stream, void** parameters, void** extra)
{
    Result state = function ? working(stream) : kInvalidHandle;
    if (state != kSuccess || machine.failing)
    {
        return state != kSuccess ? state : kOutOfResources;
    }
    Launch launch(function, {blocksX, blocksY, blocksZ}, {threadsX, threadsY, threadsZ}, shared, parameters);
    machine.launches++;
    return !launch.valid() || extra ? kInvalidValue : static_cast<Stream*>(stream)->put([launch] { return launch.run(); });
}

Result cuGraphCreate(void** result, unsigned)
{
    *result = new Graph();
    return ready();
}

Result cuGraphAddKernelNode(void** node, void* given, void* const* before, size_t count, const KernelNodeParameters* parameters)
{
    auto graph = static_cast<Graph*>(given);
    // The launches of a backend follow one another, and so must the nodes.
    bool follows = graph->nodes.empty() ? count == 0 : count == 1 && *before == graph->nodes.back().get();
    Launch launch = parameters->launch();
    if (!follows || !launch.valid() || parameters->extra)
    {
        return kInvalidValue;
    }
    graph->nodes.push_back(std::make_unique<Node>(Node{launch}));
    *node = graph->nodes.back().get();
    return ready();
}

Result cuGraphInstantiateWithFlags(void** result, void* given, unsigned long long flags)
{
    auto ready_graph = std::make_unique<ReadyGraph>();
    ready_graph->graph = static_cast<Graph*>(given);
    for (auto& node : ready_graph->graph->nodes)
    {
        ready_graph->launches.push_back(node->launch);
    }
    *result = ready_graph.release();
    return flags == 0 ? ready() : kInvalidValue;
}

Result cuGraphExecKernelNodeSetParams(void* given, void* node, const KernelNodeParameters* parameters)
{
    auto graph = static_cast<ReadyGraph*>(given);
    for (size_t i = 0; i < graph->launches.size(); i++)
    {
        if (graph->graph->nodes[i].get() == node)
        {
            Launch launch = parameters->launch();
            if (launch.function != graph->launches[i].function || !launch.valid())
            {
                return kInvalidValue;
            }
            graph->launches[i] = launch;
            return ready();
        }
    }
    return kInvalidValue;
}

Result cuGraphLaunch(void* given, void* stream)
{
    Result state = working(stream);
    if (state != kSuccess || machine.failing)
    {
        return state != kSuccess ? state : kOutOfResources;
    }
    machine.graphs++;
    for (const Launch& launch : static_cast<ReadyGraph*>(given)->launches)
    {
        state = static_cast<Stream*>(stream)->put([launch] { return launch.run(); });
        if (state != kSuccess)
        {
            return state;
        }
    }
    return kSuccess;
}

Result cuGraphExecDestroy(void* graph)
{
    delete static_cast<ReadyGraph*>(graph);
    return ready();
}

Result cuGraphDestroy(void* graph)
{
    delete static_cast<Graph*>(graph);
    return ready();
}
}
#pragma GCC visibility pop
