namespace IccEngine.Cuda;

/// <summary>Device memory whose addresses are taken at once and whose bytes piece by piece, as they are needed.</summary>
internal sealed unsafe class MappedMemory : IDisposable
{
    private readonly CudaContext _context;
    private readonly AddressRange _range;
    private readonly bool[] _there; // by granule
    private bool _disposed;

    /// <summary>Takes addresses, and no memory.</summary>
    public MappedMemory(CudaContext context, long bytes)
    {
        _context = context;
        try
        {
            _range = new AddressRange(context, bytes);
            _there = new bool[_range.Granules];
        }
        catch
        {
            GC.SuppressFinalize(this);
            throw;
        }
        context.Hold();
    }

    /// <summary>The context whose memory this is.</summary>
    public CudaContext Context => _context;

    /// <summary>Address of the first byte.</summary>
    /// <exception cref="ObjectDisposedException">The memory was given back.</exception>
    public ulong Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _range.Address;
        }
    }

    /// <summary>How much was taken so far, for <see cref="Undo"/>.</summary>
    public int Mark => _range.Runs;

    /// <summary>Takes memory for some bytes where there is none yet; its content is any.</summary>
    /// <exception cref="Core.IccMemoryException">There is not enough memory.</exception>
    public void Take(long offset, long bytes)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var end = (offset + bytes + _range.Granule - 1) / _range.Granule;
        for (var first = offset / _range.Granule; first < end; first++)
        {
            if (_there[first])
            {
                continue;
            }
            var count = 1L;
            while (first + count < end && !_there[first + count])
            {
                count++;
            }
            _range.Map(first, count);
            _there.AsSpan((int)first, (int)count).Fill(true);
            first += count - 1;
        }
    }

    /// <summary>Gives back what was taken since a mark and never used.</summary>
    public void Undo(int mark)
    {
        while (_range.Runs > mark && _range.UnmapLast() is { } run)
        {
            _there.AsSpan((int)run.First, (int)run.Count).Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what nobody disposed.</summary>
    ~MappedMemory() => Release();

    private void Release()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }
        _context.Later(() =>
        {
            if (_context.TryEnter())
            {
                _context.Driver.StreamSynchronize(_context.Stream); // unmapping does not wait by itself
            }
            _range.Abandon();
            _context.Release();
        });
    }
}
