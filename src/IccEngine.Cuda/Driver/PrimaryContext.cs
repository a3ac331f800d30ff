using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The context of a device that this process shares. One that broke stays broken for all who hold it; who opens the device next makes it
/// anew, and the others must not touch it any more.
/// </summary>
internal sealed unsafe class PrimaryContext
{
    private static readonly Dictionary<(CudaDriver Driver, int Device), PrimaryContext> _current = [];
    private volatile bool _gone;

    /// <summary>Whether it was made anew since.</summary>
    public bool IsGone => _gone;

    /// <summary>Takes hold of a device's context, makes it the thread's, and makes a stream in it.</summary>
    /// <exception cref="IccDeviceException">It cannot be opened.</exception>
    public static (PrimaryContext Primary, nint Context, nint Stream) Open(CudaContext opener)
    {
        var (driver, device) = (opener.Driver, opener.Number);
        lock (_current)
        {
            nint context, stream;
            var result = Retain(driver, device, &context, &stream);
            if (CudaDriver.IsFatal(result))
            {
                if (_current.Remove((driver, device), out var broken))
                {
                    broken._gone = true;
                }
                driver.PrimaryCtxReset(device); // the next line tells whether it helped
                result = Retain(driver, device, &context, &stream);
            }
            opener.Check(result, "opening a context");
            if (!_current.TryGetValue((driver, device), out var primary))
            {
                _current[(driver, device)] = primary = new PrimaryContext();
            }
            return (primary, context, stream);
        }
    }

    /// <summary>Lets go of it.</summary>
    public void Close(CudaContext holder, nint context, nint stream)
    {
        lock (_current)
        {
            if (_gone)
            {
                return;
            }
            if (holder.Driver.CtxSetCurrent(context) == CudaDriver.Success)
            {
                holder.Driver.StreamDestroy(stream);
            }
            holder.Driver.PrimaryCtxRelease(holder.Number);
        }
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
