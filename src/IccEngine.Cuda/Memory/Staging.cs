using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// Memory of the host that the device copies from by itself, in two halves: while one is on its way the other is filled, and a half is
/// filled again once the device has passed it. Large sources (weights in a mapped file) and small ones (tables of a call) go through it
/// alike. Used by one thread at a time.
/// </summary>
internal sealed unsafe class Staging : IDisposable
{
    /// <summary>Bytes of a result that may come back through <see cref="Results"/>.</summary>
    public const int ResultBytes = 64 << 10;

    private const int HalfBytes = 4 << 20;
    private const int Alignment = 64;
    private readonly CudaContext _context;
    private readonly byte* _memory;
    private readonly nint[] _passed = new nint[2]; // events
    private readonly bool[] _sent = new bool[2];
    private int _half;
    private int _used;

    /// <summary>Takes it.</summary>
    /// <exception cref="IccMemoryException">There is no memory that the device can copy from.</exception>
    public Staging(CudaContext context)
    {
        _context = context;
        void* memory;
        const long bytes = 2L * HalfBytes + ResultBytes;
        var result = context.Driver.MemHostAlloc(&memory, (nuint)bytes, 0);
        if (result == CudaDriver.OutOfMemory)
        {
            throw new IccMemoryException($"{context.Device}: {bytes:N0} bytes of the host's memory are needed for copies; the system does not give them");
        }
        context.Check(result, $"taking {bytes:N0} bytes of the host's memory");
        _memory = (byte*)memory;
        try
        {
            for (var half = 0; half < 2; half++)
            {
                nint passed;
                context.Check(context.Driver.EventCreate(&passed, 2 /* CU_EVENT_DISABLE_TIMING */), "making an event");
                _passed[half] = passed;
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Room for a result [<see cref="ResultBytes"/>].</summary>
    public void* Results => _memory + 2 * HalfBytes;

    /// <summary>Copies to the device; the source may change once this returns.</summary>
    public void Send(byte* source, ulong destination, long bytes)
    {
        while (bytes > 0)
        {
            if (_used == HalfBytes)
            {
                Turn();
            }
            var part = (int)Math.Min(bytes, HalfBytes - _used);
            var room = _memory + (long)_half * HalfBytes + _used;
            Buffer.MemoryCopy(source, room, part, part);
            _context.Check(_context.Driver.MemcpyHtoD(destination, room, (nuint)part, _context.Stream), "copying to the device");
            _used = Math.Min(HalfBytes, (_used + part + Alignment - 1) / Alignment * Alignment);
            source += part;
            destination += (ulong)part;
            bytes -= part;
        }
    }

    /// <summary>Gives it back; nothing may be on its way.</summary>
    public void Dispose()
    {
        foreach (var passed in _passed)
        {
            if (passed != 0)
            {
                _context.Driver.EventDestroy(passed);
            }
        }
        _context.Driver.MemFreeHost(_memory);
    }

    private void Turn()
    {
        _context.Check(_context.Driver.EventRecord(_passed[_half], _context.Stream), "marking a copy");
        _sent[_half] = true;
        _half = 1 - _half;
        _used = 0;
        if (_sent[_half] && _context.Driver.EventQuery(_passed[_half]) != CudaDriver.Success)
        {
            _context.Check(_context.Driver.EventSynchronize(_passed[_half]), "waiting for a copy");
        }
    }
}
