using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

/// <summary>Damaged tables are read or refused with an <see cref="IccException"/>; what is read is complete and finite.</summary>
public sealed class TableMutationTests : IDisposable
{
    private const int Files = 6000;

    private static readonly (string Name, string Text)[] Seeds =
    [
        ("x.csv", "a,b,\"c \"\"x\"\"\"\n1,2.5,red\n-3e2,4,\"blue,\ngreen\"\n"),
        ("x.tsv", "a\tb\tc\r\n1\t2\tred\r\n3\t4\tblue\r\n"),
        ("x.txt", "1;2;3\n4;5;6\n7;8;9\n"),
        ("x.jsonl", "{\"a\":1,\"b\":2.5,\"c\":\"red\"}\n{\"c\":\"bl\\u00fce\",\"b\":-3e2,\"a\":4}\n"),
        ("x.ndjson", "[1,2,3]\n[4,5,6]\n"),
    ];

    private static readonly string[] Tokens =
        [",", ";", "\t", "\n", "\r\n", "\"", "\"\"", "NaN", "1e999", "", "{", "}", "[", "]", ":", "null", "\\ud800", "\0", "\uFEFF", "ä", "-", "1"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Damaged_files_are_read_or_refused()
    {
        var random = new Random(77);
        var (read, refused) = (0, 0);
        for (var i = 0; i < Files; i++)
        {
            var (name, text) = Seeds[i % Seeds.Length];
            var path = _folder.Write(name, Damage(random, text));
            try
            {
                var options = (i / Seeds.Length % 3) switch { 0 => null, 1 => new TableOptions { Columns = ["1", "2"] }, _ => new TableOptions { Columns = ["1"], LabelColumn = "3" } };
                var table = Table.Read(path, options);
                Assert.Equal(table.Rows * table.Columns, table.Values.Length);
                Assert.True(table.Rows > 0 && table.Values.All(double.IsFinite));
                Assert.Equal(table.Rows, table.Labels?.Count ?? table.Rows);
                table.WriteWithLabels(_folder.At("out"), new int[table.Rows], "cluster");
                read++;
            }
            catch (IccException e)
            {
                Assert.Contains(path, e.Message);
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        Assert.True(read > Files / 20 && refused > Files / 4, $"{read} read, {refused} refused");
    }

    private static byte[] Damage(Random random, string text)
    {
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(text.Length + 1);
            var length = Math.Min(random.Next(4), text.Length - at);
            text = text[..at] + (random.Next(2) == 0 ? Tokens[random.Next(Tokens.Length)] : "") + text[(at + length)..];
        }
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        if (bytes.Length > 0 && random.Next(10) == 0)
        {
            bytes[random.Next(bytes.Length)] ^= 0x80;
        }
        return bytes;
    }
}
