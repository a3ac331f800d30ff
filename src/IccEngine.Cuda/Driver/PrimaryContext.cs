using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The context of a device that this process shares. One that broke stays broken for all who hold it; who opens the device next makes it
/// anew, and the others must not touch it any more.
/// </summary>
internal sealed unsafe class PrimaryContext
{
    private static readonly Dictionary<(CudaDriver Driver, int Device), PrimaryContext> _current = [];
    private readonly List<AddressRange> _ranges = []; // under the lock of _current
    private volatile bool _gone;

    /// <summary>Whether it was made anew since.</summary>
    public bool IsGone => _gone;

    /// <summary>Takes hold of a device's context, makes it the thread's, and makes a stream in it.</summary>
    /// <exception cref="IccDeviceException">It cannot be opened.</exception>
    /// <exception cref="IccMemoryException">There is no memory for it.</exception>
    public static (PrimaryContext Primary, nint Context, nint Stream) Open(CudaContext opener)
    {
        var (driver, device) = (opener.Driver, opener.Number);
        lock (_current)
        {
            nint context, stream;
            var result = Retain(driver, device, &context, &stream);
            if (!_current.TryGetValue((driver, device), out var primary))
            {
                _current[(driver, device)] = primary = new PrimaryContext();
            }
            if (CudaDriver.IsFatal(result))
            {
                _current[(driver, device)] = primary = primary.Anew();
                driver.PrimaryCtxReset(device); // the next line tells whether it helped
                result = Retain(driver, device, &context, &stream);
            }
            if (result == CudaDriver.OutOfMemory)
            {
                throw new IccMemoryException($"{opener.Device}: there is no memory left for a context: end what uses the device, or compute on cpu");
            }
            if (result != CudaDriver.Success)
            {
                throw new IccDeviceException(
                    $"{opener.Device}: opening a context failed: {driver.Name(result)}; nvidia-smi tells what else uses the device, and whether alone, or compute on cpu");
            }
            primary._ranges.RemoveAll(r => r.IsGone || (r.IsAbandoned && r.Free()));
            return (primary, context, stream);
        }
    }

    /// <summary>Keeps in mind what does not go with the context: addresses and memory that are mapped by hand belong to the process.</summary>
    public void Add(AddressRange range)
    {
        lock (_current)
        {
            _ranges.RemoveAll(r => r.IsGone);
            _ranges.Add(range);
        }
    }

    /// <summary>Lets go of it.</summary>
    public void Close(CudaContext holder, nint context, nint stream)
    {
        lock (_current)
        {
            if (!_gone && holder.Driver.CtxSetCurrent(context) == CudaDriver.Success)
            {
                holder.Driver.StreamDestroy(stream);
            }
            holder.Driver.PrimaryCtxRelease(holder.Number); // one that was made anew too: that does not release it
        }
    }

    // What stands for the context from now on; what the old one leaves behind is given back when there is one.
    private PrimaryContext Anew()
    {
        _gone = true;
        var other = new PrimaryContext();
        _ranges.ForEach(r => r.IsAbandoned = true);
        other._ranges.AddRange(_ranges);
        return other;
    }

    private static int Retain(CudaDriver driver, int device, nint* context, nint* stream)
    {
        var result = driver.PrimaryCtxRetain(context, device);
        if (result != CudaDriver.Success)
        {
            return result;
        }
        result = driver.CtxSetCurrent(*context);
        result = result == CudaDriver.Success ? driver.StreamCreate(stream, 1 /* does not wait for the default stream */) : result;
        if (result != CudaDriver.Success)
        {
            driver.PrimaryCtxRelease(device);
        }
        return result;
    }
}
