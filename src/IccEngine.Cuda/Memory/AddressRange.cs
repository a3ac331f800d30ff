namespace IccEngine.Cuda;

/// <summary>
/// Addresses, and the memory that is mapped there. Unlike all else they belong to the process and not to a context (virtual memory
/// management of the driver API): where a context is lost they stay, and are given back when it is made anew.
/// </summary>
internal sealed unsafe class AddressRange
{
    private readonly Lock _lock = new();
    private readonly CudaContext _context;
    private readonly List<(long First, long Count)> _runs = []; // as they were mapped, in granules
    private volatile bool _abandoned, _gone;

    /// <summary>Takes addresses, and no memory.</summary>
    /// <exception cref="Core.IccDeviceException">There are none.</exception>
    public AddressRange(CudaContext context, long bytes)
    {
        _context = context;
        var properties = new MemoryProperties(context.Number);
        nuint granule;
        ulong address;
        context.Check(context.Driver.MemGetAllocationGranularity(&granule, &properties, 0), "asking how memory is mapped");
        Granule = (long)granule;
        Granules = (bytes + Granule - 1) / Granule;
        context.Check(context.Driver.MemAddressReserve(&address, (nuint)(Granules * Granule), 0, 0, 0), $"reserving addresses of {bytes:N0} bytes");
        Address = address;
        context.Primary.Add(this);
    }

    /// <summary>Address of the first byte.</summary>
    public ulong Address { get; }

    /// <summary>Bytes of which a multiple is mapped.</summary>
    public long Granule { get; }

    /// <summary>How many of them there are addresses for.</summary>
    public long Granules { get; }

    /// <summary>How often memory was mapped.</summary>
    public int Runs => _runs.Count;

    /// <summary>Whether nobody needs it any more.</summary>
    public bool IsAbandoned
    {
        get => _abandoned;
        set => _abandoned = value;
    }

    /// <summary>Whether it was given back.</summary>
    public bool IsGone => _gone;

    /// <summary>Maps memory of any content to granules that have none.</summary>
    /// <exception cref="Core.IccMemoryException">There is not enough memory.</exception>
    public void Map(long first, long count)
    {
        var bytes = (nuint)(count * Granule);
        var properties = new MemoryProperties(_context.Number);
        ulong memory;
        var result = _context.Driver.MemCreate(&memory, bytes, &properties, 0);
        if (result == CudaDriver.OutOfMemory)
        {
            _context.Trim();
            result = _context.Driver.MemCreate(&memory, bytes, &properties, 0);
        }
        _context.CheckMemory(result, (long)bytes);
        result = Map(memory, (first, count));
        _context.Driver.MemRelease(memory); // the mapping keeps it
        _context.CheckMemory(result, (long)bytes);
    }

    /// <summary>Gives back what was mapped last; null where the driver does not take it.</summary>
    public (long First, long Count)? UnmapLast()
    {
        lock (_lock)
        {
            var run = _runs[^1];
            var (address, bytes) = Place(run);
            if (_context.Driver.MemUnmap(address, bytes) != CudaDriver.Success)
            {
                return null;
            }
            _runs.RemoveAt(_runs.Count - 1);
            return run;
        }
    }

    /// <summary>Nobody needs it any more: gives it back, now or, where the device is lost, when the context is made anew.</summary>
    public void Abandon()
    {
        _abandoned = true;
        Free();
    }

    /// <summary>Gives everything back.</summary>
    /// <returns>False where the driver does not take it.</returns>
    public bool Free()
    {
        lock (_lock)
        {
            if (_gone)
            {
                return true;
            }
            while (_runs.Count > 0)
            {
                if (UnmapLast() is null)
                {
                    return false;
                }
            }
            return _gone = _context.Driver.MemAddressFree(Address, (nuint)(Granules * Granule)) == CudaDriver.Success;
        }
    }

    private int Map(ulong memory, (long First, long Count) run)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_gone, this);
            var (driver, access) = (_context.Driver, new MemoryAccess(_context.Number));
            var (address, bytes) = Place(run);
            var result = driver.MemMap(address, bytes, 0, memory, 0);
            if (result != CudaDriver.Success)
            {
                return result;
            }
            _runs.Add(run);
            result = driver.MemSetAccess(address, bytes, &access, 1);
            if (result != CudaDriver.Success)
            {
                UnmapLast();
            }
            return result;
        }
    }

    private (ulong Address, nuint Bytes) Place((long First, long Count) run) => (Address + (ulong)(run.First * Granule), (nuint)(run.Count * Granule));
}
