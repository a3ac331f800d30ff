namespace IccEngine.Cuda;

/// <summary>Device memory whose addresses are taken at once and whose bytes piece by piece, as they are needed.</summary>
internal sealed unsafe class MappedMemory : IDisposable
{
    private readonly CudaContext _context;
    private readonly long _granule;
    private readonly bool[] _there;                            // by granule
    private readonly List<(long First, long Count)> _runs = []; // as they were mapped, in granules
    private ulong _address;

    /// <summary>Takes addresses, and no memory.</summary>
    public MappedMemory(CudaContext context, long bytes)
    {
        _context = context;
        var properties = new MemoryProperties(context.Number);
        nuint granule;
        ulong address;
        try
        {
            context.Check(context.Driver.MemGetAllocationGranularity(&granule, &properties, 0), "asking how memory is mapped");
            _granule = (long)granule;
            _there = new bool[(bytes + _granule - 1) / _granule];
            context.Check(context.Driver.MemAddressReserve(&address, (nuint)(_there.Length * _granule), 0, 0, 0), $"reserving addresses of {bytes:N0} bytes");
        }
        catch
        {
            GC.SuppressFinalize(this);
            throw;
        }
        _address = address;
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
            ObjectDisposedException.ThrowIf(_address == 0, this);
            return _address;
        }
    }

    /// <summary>How much was taken so far, for <see cref="Undo"/>.</summary>
    public int Mark => _runs.Count;

    /// <summary>Takes memory for some bytes where there is none yet; its content is any.</summary>
    /// <exception cref="Core.IccMemoryException">There is not enough memory.</exception>
    public void Take(long offset, long bytes)
    {
        var end = (offset + bytes + _granule - 1) / _granule;
        for (var first = offset / _granule; first < end; first++)
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
            Map(first, count);
            first += count - 1;
        }
    }

    /// <summary>Gives back what was taken since a mark and never used.</summary>
    public void Undo(int mark)
    {
        for (var run = _runs.Count - 1; run >= mark; run--)
        {
            Unmap(Address, _runs[run]);
            _there.AsSpan((int)_runs[run].First, (int)_runs[run].Count).Clear();
            _runs.RemoveAt(run);
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

    private void Map(long first, long count)
    {
        var (driver, bytes, address) = (_context.Driver, (nuint)(count * _granule), Address + (ulong)(first * _granule));
        var properties = new MemoryProperties(_context.Number);
        ulong memory;
        var result = driver.MemCreate(&memory, bytes, &properties, 0);
        if (result == CudaDriver.OutOfMemory)
        {
            _context.Trim();
            result = driver.MemCreate(&memory, bytes, &properties, 0);
        }
        _context.CheckMemory(result, (long)bytes);
        result = driver.MemMap(address, bytes, 0, memory, 0);
        driver.MemRelease(memory); // the mapping keeps it
        _context.CheckMemory(result, (long)bytes);
        _runs.Add((first, count));
        _there.AsSpan((int)first, (int)count).Fill(true);
        var access = new MemoryAccess(_context.Number);
        result = driver.MemSetAccess(address, bytes, &access, 1);
        if (result != CudaDriver.Success)
        {
            Undo(_runs.Count - 1);
            _context.CheckMemory(result, (long)bytes);
        }
    }

    private void Unmap(ulong address, (long First, long Count) run) =>
        _context.Driver.MemUnmap(address + (ulong)(run.First * _granule), (nuint)(run.Count * _granule));

    private void Release()
    {
        var address = Interlocked.Exchange(ref _address, 0);
        if (address == 0)
        {
            return;
        }
        _context.Later(() =>
        {
            if (_context.TryEnter())
            {
                _context.Driver.StreamSynchronize(_context.Stream); // unmapping does not wait by itself
                _runs.ForEach(r => Unmap(address, r));
                _context.Driver.MemAddressFree(address, (nuint)(_there.Length * _granule));
            }
            _context.Release();
        });
    }
}
