using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class TableWriteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("x.csv", "a,name\r\n1.50,\"x, \"\"y\"\"\"\r\n2,z\r\n\r\n", "a,name,cluster\n1.50,\"x, \"\"y\"\"\",7\n2,z,8\n")]
    [InlineData("x.csv", "1.50,0\n2,0", "1.50,0,7\n2,0,8\n")]
    [InlineData("x.tsv", "a\tname\n1\tx,y\n2\tz\n", "a\tname\tcluster\n1\tx,y\t7\n2\tz\t8\n")]
    [InlineData("x.txt", "a;name\n1;x\n2;z\n", "a;name;cluster\n1;x;7\n2;z;8\n")]
    [InlineData("x.jsonl", "{\"a\":1.50,\"t\":{\"ä\":[\"x\"]}}\n\n{\"t\":null,\"a\":2}\n", "{\"a\":1.50,\"t\":{\"ä\":[\"x\"]},\"cluster\":7}\n{\"t\":null,\"a\":2,\"cluster\":8}\n")]
    [InlineData("x.jsonl", "[1.50,\"x\"]\n[2,\"y\"]\n", "[1.50,\"x\",7]\n[2,\"y\",8]\n")]
    public void Rows_are_written_as_they_are_with_the_label_at_the_end(string name, string text, string expected)
    {
        var table = Table.Read(_folder.Write(name, text), new TableOptions { Columns = ["1"] });
        var path = _folder.At("out");
        table.WriteWithLabels(path, [7, 8], "cluster");
        Assert.Equal(expected, File.ReadAllText(path));
        table.WriteWithLabels(table.Path, [7, 8], "cluster");
        Assert.Equal(expected, File.ReadAllText(table.Path));
        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Theory]
    [InlineData("x.csv", "a,b\n1,2\n")]
    [InlineData("x.jsonl", "{\"a\":1,\"b\":2}\n")]
    public void Errors_leave_nothing_behind(string name, string text)
    {
        var table = Table.Read(_folder.Write(name, text));
        var path = _folder.At("out");
        Assert.Contains("'b' already", Assert.Throws<IccArgumentException>(() => table.WriteWithLabels(path, [1], "b")).Message);
        Assert.Contains("2 labels", Assert.Throws<IccArgumentException>(() => table.WriteWithLabels(path, [1, 2], "c")).Message);
        Assert.Throws<IccFormatException>(() => table.WriteWithLabels(Path.Combine(_folder.Path, "none", "out"), [1], "c"));
        File.AppendAllText(table.Path, text[(text.IndexOf('\n') + 1)..] is { Length: > 0 } rest ? rest : text);
        Assert.Contains("changed", Assert.Throws<IccFormatException>(() => table.WriteWithLabels(path, [1], "c")).Message);
        _folder.Write(name, text[..(text.IndexOf('\n') + 1)].Replace("{\"a\":1,\"b\":2}\n", "", StringComparison.Ordinal));
        Assert.Contains("changed", Assert.Throws<IccFormatException>(() => table.WriteWithLabels(path, [1], "c")).Message);
        Assert.False(File.Exists(path));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }
}
