using System.Runtime.InteropServices;

namespace IccEngine.Cuda;

/// <summary>A launch that is written down: its grid, and where its parameters begin among those of its queue.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="X">Blocks.</param>
/// <param name="Y">Blocks.</param>
/// <param name="Z">Blocks.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Sizes">Bytes of each parameter.</param>
/// <param name="First">Place of the first parameter; each takes a multiple of 8 bytes.</param>
/// <param name="Bytes">Bytes that all parameters take.</param>
internal readonly record struct Launch(Kernel Kernel, uint X, uint Y, uint Z, uint Threads, int[] Sizes, int First, int Bytes)
{
    /// <summary>Most parameters of a kernel.</summary>
    public const int MostParameters = 64;

    /// <summary>Bytes that a parameter takes.</summary>
    public static int Padded(int size) => (size + 7) / 8 * 8;

    /// <summary>What messages call it.</summary>
    public override string ToString() => $"the kernel {Kernel.Name} [{X}, {Y}, {Z}]";

    /// <summary>Points to the parameters, one after the other.</summary>
    public unsafe void Point(byte* parameters, void** pointers)
    {
        var place = parameters + First;
        for (var i = 0; i < Sizes.Length; i++)
        {
            pointers[i] = place;
            place += Padded(Sizes[i]);
        }
    }
}

/// <summary>
/// Launches are written down before they go to the stream. What was launched in the same order before, as a decoded token is, goes there
/// as one graph: the driver has it ready, and only launches whose grid or parameters differ are changed in it. Used by one thread at a
/// time.
/// </summary>
internal sealed unsafe class LaunchQueue(CudaContext context) : IDisposable
{
    private const int MostLaunches = 128; // of a graph: the device works on one while the next is written down
    private const int FewestLaunches = 8; // fewer are not worth one
    private const int MostParts = 32;     // between two waits; what is longer is a prefill, where launches cost nothing beside the work
    private const int MostGraphs = 128;
    private readonly List<Launch> _launches = [];
    private readonly Dictionary<int, LaunchGraph?> _graphs = []; // null: seen once
    private byte[] _parameters = new byte[4096];
    private int _bytes;
    private int _part;

    /// <summary>Launches that are written down.</summary>
    public int Count => _launches.Count;

    /// <summary>Writes a launch down; the parameters are copied.</summary>
    public void Add(in Kernel kernel, int[] sizes, uint x, uint y, uint z, uint threads, void** parameters)
    {
        var first = _bytes;
        foreach (var size in sizes)
        {
            if (_bytes + Launch.Padded(size) > _parameters.Length)
            {
                Array.Resize(ref _parameters, 2 * _parameters.Length);
            }
            new ReadOnlySpan<byte>(*parameters++, size).CopyTo(_parameters.AsSpan(_bytes));
            _bytes += Launch.Padded(size);
        }
        _launches.Add(new Launch(kernel, x, y, z, threads, sizes, first, _bytes - first));
        if (_launches.Count == MostLaunches)
        {
            context.Flush();
        }
    }

    /// <summary>Puts what is written down on the stream, and forgets it even where that fails.</summary>
    public void Send()
    {
        var launches = CollectionsMarshal.AsSpan(_launches);
        try
        {
            if (launches.Length < FewestLaunches || _part >= MostParts)
            {
                LaunchEach(launches);
            }
            else
            {
                SendGraph(launches);
            }
        }
        finally
        {
            _part++;
            Drop();
        }
    }

    /// <summary>The host has waited for the device: what comes now is the beginning of something.</summary>
    public void Waited() => _part = 0;

    /// <summary>Forgets what is written down.</summary>
    public void Drop()
    {
        _launches.Clear();
        _bytes = 0;
    }

    /// <summary>Gives the graphs back.</summary>
    public void Dispose()
    {
        foreach (var graph in _graphs.Values)
        {
            graph?.Dispose();
        }
        _graphs.Clear();
    }

    private void SendGraph(ReadOnlySpan<Launch> launches)
    {
        // The same kernels at the same place between two waits; layers are alike, and so the place tells them apart.
        var hash = new HashCode();
        hash.Add(_part);
        foreach (ref readonly var launch in launches)
        {
            hash.Add(launch.Kernel.Function);
        }
        var key = hash.ToHashCode();
        if (!_graphs.TryGetValue(key, out var graph))
        {
            if (_graphs.Count == MostGraphs)
            {
                Dispose();
            }
            _graphs[key] = null;
            LaunchEach(launches);
            return;
        }
        var parameters = _parameters.AsSpan(0, _bytes);
        if (graph is null || !graph.Follow(launches, parameters))
        {
            graph?.Dispose();
            _graphs[key] = null; // should the next line fail
            _graphs[key] = graph = new LaunchGraph(context, launches, parameters);
        }
        graph.Run();
    }

    private void LaunchEach(ReadOnlySpan<Launch> launches)
    {
        var pointers = stackalloc void*[Launch.MostParameters];
        fixed (byte* parameters = _parameters)
        {
            foreach (ref readonly var launch in launches)
            {
                launch.Point(parameters, pointers);
                var result = context.Driver.LaunchKernel(
                    launch.Kernel.Function, launch.X, launch.Y, launch.Z, launch.Threads, 1, 1, (uint)launch.Kernel.SharedBytes, context.Stream, pointers, null);
                if (result != CudaDriver.Success)
                {
                    throw context.Failure(result, launch.ToString());
                }
            }
        }
    }
}
