using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// A safetensors file mapped into memory (https://github.com/huggingface/safetensors#format): 8 bytes of header length, a JSON header,
/// the bytes of the tensors. The tensors are views; nothing is copied.
/// </summary>
public sealed class SafeTensorsFile : IDisposable
{
    private readonly MappedFile _mapped;
    private readonly Dictionary<string, HostTensor> _tensors = new(StringComparer.Ordinal);

    private SafeTensorsFile(MappedFile mapped)
    {
        _mapped = mapped;
        var length = mapped.Length >= 8
            ? BinaryPrimitives.ReadUInt64LittleEndian(mapped.Bytes(0, 8))
            : throw new IccFormatException(Path, $"found {mapped.Length} bytes, expected a safetensors file (8 bytes of header length first)");
        if (length > SafeTensorsHeader.MaxLength || (long)length > mapped.Length - 8)
        {
            throw new IccFormatException(Path, $"found a header length of {length}, expected at most "
                + $"{Math.Min(SafeTensorsHeader.MaxLength, mapped.Length - 8)} (the file has {mapped.Length} bytes)");
        }
        var start = 8 + (long)length;
        var header = SafeTensorsHeader.Parse(Path, mapped.Bytes(8, (int)length), mapped.Length - start);
        Metadata = header.Metadata;
        Tensors = header.Entries.ConvertAll(e =>
            new HostTensor(e.Name, e.DType, e.Extents, mapped.AddressOf(start + e.Begin, e.End - e.Begin), mapped));
        foreach (var tensor in Tensors)
        {
            _tensors.Add(tensor.Name, tensor);
        }
    }

    /// <summary>The path as given.</summary>
    public string Path => _mapped.Path;

    /// <summary>The free-form metadata of the header; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors in the order of their bytes; valid until this object is disposed.</summary>
    public IReadOnlyList<HostTensor> Tensors { get; }

    /// <summary>Maps and checks a file.</summary>
    /// <exception cref="IccFormatException">There is no such file, or it breaks a rule of the format.</exception>
    public static SafeTensorsFile Open(string path) => Read(new MappedFile(path));

    /// <summary>Reads and checks bytes in memory.</summary>
    /// <param name="name">What messages call them.</param>
    /// <param name="bytes">A whole file.</param>
    /// <exception cref="IccFormatException">They break a rule of the format.</exception>
    public static SafeTensorsFile Parse(string name, byte[] bytes) => Read(new MappedFile(name, bytes));

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="IccFormatException">The file has none.</exception>
    public HostTensor Get(string name) =>
        _tensors.TryGetValue(name, out var tensor) ? tensor : throw new IccFormatException(Path, $"tensor '{name}': not in the file");

    /// <summary>The tensor of that name, where there is one.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out HostTensor? tensor) => _tensors.TryGetValue(name, out tensor);

    /// <summary>Unmaps the file; no tensor of it may be used afterwards.</summary>
    public void Dispose() => _mapped.Dispose();

    private static SafeTensorsFile Read(MappedFile mapped)
    {
        try
        {
            return new SafeTensorsFile(mapped);
        }
        catch
        {
            mapped.Dispose();
            throw;
        }
    }
}
