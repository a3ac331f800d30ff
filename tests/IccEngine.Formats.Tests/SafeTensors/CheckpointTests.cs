using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_single_file_wins_over_an_index()
    {
        Shard("model.safetensors", ("a", 1));
        Index("""{"a":"none"}""");
        using var checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(1, checkpoint.Get("a").ToSingles()[0]);
        Assert.Contains("'b'", Assert.Throws<IccFormatException>(() => checkpoint.Get("b")).Message);
    }

    [Fact]
    public void The_index_decides_where_two_shards_have_a_name_and_unnamed_tensors_count()
    {
        Shard("1.safetensors", ("a", 1), ("b", 2));
        Shard("2.safetensors", ("a", 3), ("c", 4), ("extra", 5));
        Index("""{"a":"2.safetensors","b":"1.safetensors","c":"2.safetensors"}""");
        using var checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal([3, 2, 4, 5], new[] { "a", "b", "c", "extra" }.Select(n => checkpoint.Get(n).ToSingles()[0]));
        Assert.Equal(4, checkpoint.Tensors.Count);
        Assert.Equal(2, checkpoint.Files.Count);
    }

    public static TheoryData<string, string> BadIndices => new()
    {
        { """{"weight_map":{"a":"1.safetensors","x":"1.safetensors"}}""", "'x'" },
        { """{"weight_map":{"a":"1.safetensors","x":"3.safetensors"}}""", "'3.safetensors'" },
        { """{"weight_map":{"a":"../1.safetensors"}}""", "'../1.safetensors'" },
        { """{"weight_map":{"a":"/etc/passwd"}}""", "'/etc/passwd'" },
        { """{"weight_map":{"a":"x\\1.safetensors"}}""", "plain name" },
        { """{"weight_map":{"a":"C:1.safetensors"}}""", "plain name" },
        { """{"weight_map":{"a":".."}}""", "plain name" },
        { """{"weight_map":{"a":""}}""", "plain name" },
        { """{"weight_map":{"a":1}}""", "expected a string" },
        { """{"weight_map":{"a":"\ud800"}}""", "Unicode" },
        { """{"weight_map":{"a\ud800":"1.safetensors"}}""", "not valid" },
        { """{"weight_map":{"a":"1.safetensors","a":"1.safetensors"}}""", "JSON" },
        { """{"weight_map":{}}""", "names no tensor" },
        { """{"weight_map":[]}""", "weight_map" },
        { """{}""", "weight_map" },
        { """[]""", "object" },
        { """{""", "JSON" },
        { """{"weight_map":{"a":"1.safetensors","c":"2.safetensors"}}""", "'b': in two shards" },
    };

    [Theory]
    [MemberData(nameof(BadIndices))]
    public void Bad_indices_are_refused(string index, string says)
    {
        Shard("1.safetensors", ("a", 1), ("b", 2));
        Shard("2.safetensors", ("b", 2), ("c", 2));
        var path = _folder.Write(Checkpoint.IndexName, index);
        var error = Assert.Throws<IccFormatException>(() => Checkpoint.Open(_folder.Path));
        Assert.StartsWith(path, error.Message);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void Folders_without_weights_are_refused_and_pickles_named()
    {
        Assert.Contains(Checkpoint.SingleName, Assert.Throws<IccFormatException>(() => Checkpoint.Open(_folder.Path)).Message);
        _folder.Write("pytorch_model.bin", "x");
        Assert.Contains("pytorch_model.bin", Assert.Throws<IccFormatException>(() => Checkpoint.Open(_folder.Path)).Message);
        Assert.Throws<IccFormatException>(() => Checkpoint.Open(_folder.At("none")));
    }

    private void Shard(string name, params (string Name, float Value)[] tensors) =>
        SafeTensorsWriter.Write(_folder.At(name), tensors.Select(t => SafeTensorsItem.From(HostTensor.FromArray(t.Name, [t.Value], 1))));

    private void Index(string map) => _folder.Write(Checkpoint.IndexName, $$"""{"metadata":{"total_size":1},"weight_map":{{map}}}""");
}
