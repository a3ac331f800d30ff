namespace IccEngine.Cuda;

/// <summary>Launches, one after the other, as a graph that the driver has made ready.</summary>
internal sealed unsafe class LaunchGraph : IDisposable
{
    private readonly CudaContext _context;
    private readonly Launch[] _launches;
    private readonly byte[] _parameters;
    private readonly nint[] _nodes;
    private nint _graph, _ready;

    /// <summary>Makes it ready.</summary>
    public LaunchGraph(CudaContext context, ReadOnlySpan<Launch> launches, ReadOnlySpan<byte> parameters)
    {
        (_context, _launches, _parameters) = (context, launches.ToArray(), parameters.ToArray());
        _nodes = new nint[launches.Length];
        nint graph, ready;
        context.Check(context.Driver.GraphCreate(&graph, 0), "making a graph");
        _graph = graph;
        try
        {
            for (var i = 0; i < _launches.Length; i++)
            {
                Add(i);
            }
            context.Check(context.Driver.GraphInstantiate(&ready, graph, 0), $"making a graph of {_launches.Length} launches ready");
            _ready = ready;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Takes over grids and parameters.</summary>
    /// <returns>False where the launches are others, or the driver does not change them: then a new graph is needed.</returns>
    public bool Follow(ReadOnlySpan<Launch> launches, ReadOnlySpan<byte> parameters)
    {
        if (launches.Length != _launches.Length)
        {
            return false;
        }
        for (var i = 0; i < launches.Length; i++)
        {
            if (launches[i].Kernel.Function != _launches[i].Kernel.Function || launches[i].Threads != _launches[i].Threads)
            {
                return false;
            }
        }
        var pointers = stackalloc void*[Launch.MostParameters];
        for (var i = 0; i < launches.Length; i++)
        {
            ref readonly var launch = ref launches[i];
            var (first, bytes) = (launch.First, launch.Bytes); // the same kernels have the same places
            var mine = _parameters.AsSpan(first, bytes);
            var theirs = parameters.Slice(first, bytes);
            if (launch.X == _launches[i].X && launch.Y == _launches[i].Y && launch.Z == _launches[i].Z && theirs.SequenceEqual(mine))
            {
                continue;
            }
            _launches[i] = launch;
            theirs.CopyTo(mine);
            fixed (byte* values = _parameters)
            {
                var node = Node(launch, values, pointers);
                if (_context.Driver.GraphExecKernelNodeSetParams(_ready, _nodes[i], &node) != CudaDriver.Success)
                {
                    return false;
                }
            }
        }
        return true;
    }

    /// <summary>Puts it on the stream.</summary>
    public void Run()
    {
        var result = _context.Driver.GraphLaunch(_ready, _context.Stream);
        if (result != CudaDriver.Success)
        {
            throw _context.Failure(result, $"a graph of {_launches.Length} launches from {_launches[0]} to {_launches[^1]}");
        }
    }

    /// <summary>Gives it back; the driver keeps what still runs.</summary>
    public void Dispose()
    {
        if (_ready != 0)
        {
            _context.Driver.GraphExecDestroy(_ready);
        }
        if (_graph != 0)
        {
            _context.Driver.GraphDestroy(_graph);
        }
        (_ready, _graph) = (0, 0);
    }

    private static KernelNode Node(in Launch launch, byte* parameters, void** pointers)
    {
        launch.Point(parameters, pointers);
        return new KernelNode
        {
            Function = launch.Kernel.Function,
            BlocksX = launch.X,
            BlocksY = launch.Y,
            BlocksZ = launch.Z,
            ThreadsX = launch.Threads,
            ThreadsY = 1,
            ThreadsZ = 1,
            SharedBytes = (uint)launch.Kernel.SharedBytes,
            Parameters = pointers,
        };
    }

    private void Add(int index)
    {
        var pointers = stackalloc void*[Launch.MostParameters];
        fixed (byte* values = _parameters)
        {
            var node = Node(_launches[index], values, pointers);
            nint added;
            var before = index == 0 ? 0 : _nodes[index - 1];
            _context.Check(
                _context.Driver.GraphAddKernelNode(&added, _graph, index == 0 ? null : &before, index == 0 ? 0u : 1u, &node),
                $"adding {_launches[index]} to a graph");
            _nodes[index] = added;
        }
    }
}
