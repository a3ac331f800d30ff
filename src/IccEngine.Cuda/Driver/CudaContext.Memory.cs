using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Memory of the device, and copies.</summary>
internal sealed unsafe partial class CudaContext
{
    /// <summary>Device memory of at least one byte, with any content; from the driver's pool, in the order of the stream.</summary>
    /// <exception cref="IccMemoryException">There is not enough of it.</exception>
    public ulong Allocate(long bytes)
    {
        MakeCurrent();
        ulong address;
        var result = Driver.MemAlloc(&address, (nuint)Math.Max(1, bytes), Stream);
        if (result == CudaDriver.OutOfMemory)
        {
            Trim();
            result = Driver.MemAlloc(&address, (nuint)Math.Max(1, bytes), Stream);
        }
        CheckMemory(result, bytes);
        Hold();
        return address;
    }

    /// <summary>Gives memory back; what was launched before may still use it. Any thread.</summary>
    public void Free(ulong address) => Later(() =>
    {
        if (TryEnter())
        {
            Driver.MemFree(address, Stream); // a failure here is one of the device, which the next call meets
        }
        Release();
    });

    /// <summary>Gives what lies unused in the pool to whoever needs memory outside of it.</summary>
    public void Trim()
    {
        Wait();
        Driver.MemPoolTrimTo(_pool, 0); // what cannot be given is not there
    }

    /// <summary>Throws where there is no memory, or another failure.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public void CheckMemory(int result, long bytes)
    {
        if (result == CudaDriver.OutOfMemory)
        {
            nuint free, all;
            var known = Driver.MemGetInfo(&free, &all) == CudaDriver.Success;
            throw new IccMemoryException(
                $"{Device}: {bytes:N0} bytes of memory are needed" + (known ? $"; {free:N0} of {all:N0} are free" : "")
                + ": shorten the prompt, make the session smaller, or compute on cpu");
        }
        Check(result, $"taking {bytes:N0} bytes of memory");
    }

    /// <summary>Copies to the device, after the launches that are written down; the source may change once this returns.</summary>
    public void Upload(void* source, ulong destination, long bytes)
    {
        Flush();
        UploadAhead(source, destination, bytes);
    }

    /// <summary>Likewise before the launches that are written down, which must not touch the destination.</summary>
    public void UploadAhead(void* source, ulong destination, long bytes) => _staging.Send((byte*)source, destination, bytes);

    /// <summary>Copies to the host, once all before it is done.</summary>
    public void Download(ulong source, void* destination, long bytes)
    {
        if (bytes == 0)
        {
            return;
        }
        Flush();
        var small = bytes <= Staging.ResultBytes;
        var target = small ? _staging.Results : destination;
        Check(Driver.MemcpyDtoH(target, source, (nuint)bytes, Stream), "copying to the host");
        Wait();
        if (small)
        {
            Buffer.MemoryCopy(target, destination, bytes, bytes);
        }
    }

    /// <summary>Sets bytes, a multiple of 4, to zero.</summary>
    public void Clear(ulong address, long bytes)
    {
        if (bytes > 0)
        {
            Flush();
            Check(Driver.MemsetD32(address, 0, (nuint)(bytes / sizeof(int)), Stream), "clearing memory");
        }
    }
}
