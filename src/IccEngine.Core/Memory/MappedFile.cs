using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace IccEngine.Core;

/// <summary>A file mapped read-only into memory, or memory that stands for one. Views of it (<see cref="HostTensor"/>) name it as their owner.</summary>
public sealed unsafe partial class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly HostTensor? _bytes;
    private byte* _address;

    /// <summary>Maps the whole file.</summary>
    /// <exception cref="IccFormatException">There is no such file, or it cannot be read.</exception>
    public MappedFile(string path)
    {
        Path = path;
        try
        {
            Length = new FileInfo(path).Length;
            if (Length == 0)
            {
                return;
            }
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _address);
            _address += _view.PointerOffset;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            Dispose();
            throw new IccFormatException(path, e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Memory that stands for a file: a resource of the program.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="bytes">Its content; pinned as long as this object is reachable.</param>
    public MappedFile(string name, byte[] bytes)
    {
        (Path, Length) = (name, bytes.Length);
        _bytes = HostTensor.FromBytes(name, DType.U8, bytes, bytes.Length);
        _address = (byte*)_bytes.Address;
    }

    /// <summary>The path as given.</summary>
    public string Path { get; }

    /// <summary>Size of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>A part of the file.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the file.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int length) => new((byte*)AddressOf(offset, length), length);

    /// <summary>Address of a part of the file, for views of more than 2 GiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the file.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public nint AddressOf(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        ObjectDisposedException.ThrowIf(_address == null && Length > 0, this);
        return (nint)(_address + offset);
    }

    /// <summary>Lets go of the pages of a part that will hardly be read again: they no longer count as this process's memory.</summary>
    internal void Forget(nint address, long length)
    {
        const int dontNeed = 4; // MADV_DONTNEED of Linux: the pages of a mapped file come back from the file when they are touched
        nint page = Environment.SystemPageSize;
        var (first, end) = ((address + page - 1) & -page, (nint)(address + length) & -page);
        if (_file is not null && OperatingSystem.IsLinux() && end > first)
        {
            _ = Advise(first, (nuint)(end - first), dontNeed); // a hint: where it is refused, they stay
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint bytes, int advice);

    /// <summary>Unmaps the file; no view of it may be used afterwards.</summary>
    public void Dispose()
    {
        if (_address != null)
        {
            _address = null;
            _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        }
        _view?.Dispose();
        _file?.Dispose();
    }
}
