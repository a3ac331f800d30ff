using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class SafeTensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static IEnumerable<object[]> GoldenFiles()
    {
        var files = Directory.Exists(Goldens.Root)
            ? Directory.EnumerateFiles(Goldens.Root, "*.safetensors", SearchOption.AllDirectories)
                .Where(f => File.Exists(Path.Combine(Path.GetDirectoryName(f)!, "cases.json"))).Order(StringComparer.Ordinal)
            : Enumerable.Empty<string>();
        return files.Select(f => new object[] { Path.GetRelativePath(Goldens.Root, f) }).DefaultIfEmpty([""]);
    }

    [SkippableTheory]
    [MemberData(nameof(GoldenFiles))]
    [Trait("Category", "Goldens")]
    public void What_the_reference_library_wrote_is_written_again_byte_for_byte(string golden)
    {
        Skip.If(golden.Length == 0, $"no safetensors files below {Goldens.Root}");
        var again = _folder.At("again.safetensors");
        using (var file = SafeTensorsFile.Open(Goldens.At(golden)))
        {
            Skip.If(file.Metadata.Count > 1, "the reference library writes two or more metadata keys in an order of chance");
            var metadata = file.Metadata.Count > 0 ? file.Metadata : null;
            SafeTensorsWriter.Write(again, file.Tensors.Reverse().Select(t => SafeTensorsItem.From(t)), metadata);
        }
        Assert.Equal(File.ReadAllBytes(Goldens.At(golden)), File.ReadAllBytes(again));
    }

    [Fact]
    public void Aligned_header_and_order_by_type_then_name()
    {
        var path = _folder.At("x.safetensors");
        SafeTensorsWriter.Write(path,
        [
            SafeTensorsItem.From(HostTensor.FromBytes("z", DType.U8, [1], 1)), SafeTensorsItem.From(HostTensor.FromArray("b", [1f], 1)),
            SafeTensorsItem.From(HostTensor.FromArray("ä", [2f], 1)), SafeTensorsItem.From(HostTensor.FromArray("a", [1L], 1)),
        ]);
        Assert.Equal(0, BitConverter.ToInt64(File.ReadAllBytes(path)) % 8);
        using var file = SafeTensorsFile.Open(path);
        Assert.Equal(["a", "b", "ä", "z"], file.Tensors.Select(t => t.Name));
        Assert.Equal(2f, file.Get("ä").ToSingles()[0]);
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Errors_and_cancellation_leave_the_old_file_and_nothing_beside()
    {
        var path = _folder.Write("x.safetensors", "old");
        using var source = new CancellationTokenSource();
        var cancelling = Item("a", 4, s => { s.Write(new byte[2]); source.Cancel(); s.Write(new byte[2]); });
        Assert.Throws<OperationCanceledException>(() => SafeTensorsWriter.Write(path, [cancelling], null, source.Token));
        Assert.Throws<InvalidTimeZoneException>(() => SafeTensorsWriter.Write(path, [Item("a", 4, _ => throw new InvalidTimeZoneException())]));
        Assert.Throws<IccFormatException>(() => SafeTensorsWriter.Write(path, [Item("a", 4, _ => throw new IOException("disk full"))]));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [Item("a", 4, s => s.Write(new byte[3]))]));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [Item("a", 4, s => s.Write(new byte[5]))]));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Impossible_requests_are_refused()
    {
        var path = _folder.At("x.safetensors");
        var one = Item("a", 1, s => s.WriteByte(1));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [one, one]));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [one with { Name = "__metadata__" }]));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [one with { Extents = [-1] }]));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [one with { Extents = [long.MaxValue, 2] }]));
        Assert.Throws<IccArgumentException>(() => SafeTensorsWriter.Write(path, [one with { DType = DType.F4 }]));
        Assert.Throws<IccFormatException>(() => SafeTensorsWriter.Write(Path.Combine(_folder.Path, "none", "x.safetensors"), [one]));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static SafeTensorsItem Item(string name, long bytes, Action<Stream> write) => new(name, DType.U8, [bytes], write);
}
