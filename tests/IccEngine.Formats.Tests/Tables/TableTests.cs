using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class TableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("x.csv", "a,b\n1,2\n3,4\n")]
    [InlineData("x.csv", "a,b\r\n1,2\r\n3,4")]
    [InlineData("x.csv", "\uFEFFa,b\n1,2\n3,4\n\n\n")]
    [InlineData("x.csv", "\n\"a\",\"b\"\n\"1\",2\n\n 3 ,4e0\n")]
    [InlineData("x.CSV", "a,b\r1,2\r3,4\r")]
    [InlineData("x.tsv", "a\tb\n1\t2\n3\t4\n")]
    [InlineData("x.tab", "a\tb\n1\t2\n3\t4\n")]
    [InlineData("x.txt", "a;b\n1;2\n3;4\n")]
    [InlineData("x.txt", "a\tb\n1\t2\n3\t4\n")]
    [InlineData("x", "a,b\n1,2\n3,4\n")]
    [InlineData("x.jsonl", "{\"a\":1,\"b\":2}\n{\"b\":4.0,\"a\":3}\n")]
    [InlineData("x.ndjson", "{\"a\":1,\"b\":2}\r\n\r\n{\"a\":3e0,\"b\":4}")]
    [InlineData("x.txt", "\uFEFF{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n")]
    public void Columns_rows_and_values_are_read(string name, string text)
    {
        var table = Read(text, name: name);
        Assert.Equal(["a", "b"], table.ColumnNames);
        Assert.Equal((2, 2), (table.Rows, table.Columns));
        Assert.Equal([1, 2, 3, 4], table.Values);
        Assert.Equal([3, 4], table.Row(1).ToArray());
        Assert.Null(table.Labels);
    }

    [Theory]
    [InlineData("x.csv", "1,2\n3,4\n", null)]
    [InlineData("x.csv", "-1.5e3,.5\n3,4\n", null)]
    [InlineData("x.jsonl", "[1,2]\n[3,4]\n", null)]
    [InlineData("x.csv", "1,red,2\n3,blue,4\n", "2")]
    [InlineData("x.jsonl", "[1,\"red\",2]\n[3,\"blue\",4]\n", "2")]
    public void Files_without_a_header_name_columns_by_number(string name, string text, string? label)
    {
        var table = Read(text, new TableOptions { LabelColumn = label }, name);
        Assert.Equal(2, table.Rows);
        Assert.Equal(label is null ? ["1", "2"] : ["1", "3"], table.ColumnNames);
        Assert.Equal(label is null ? null : ["red", "blue"], table.Labels);
    }

    [Fact]
    public void Chosen_columns_and_labels()
    {
        const string Text = "id,x,\"class, true\",y\nabc,1,\"the \"\"first\"\"\nline\",2\ndef,3,b,4\n";
        var table = Read(Text, new TableOptions { Columns = ["y", "2"], LabelColumn = "class, true" });
        Assert.Equal(["y", "x"], table.ColumnNames);
        Assert.Equal([2, 1, 4, 3], table.Values);
        Assert.Equal(["the \"first\"\nline", "b"], table.Labels);
        Assert.Equal(["1", "2"], Read("""{"x":1,"k":1}""" + "\n" + """{"x":1,"k":"2"}""", new TableOptions { LabelColumn = "k" }, "x.jsonl").Labels);
        Assert.Equal([1, 5], Read("1,a,2\n5,b,6\n", new TableOptions { Columns = ["1"], LabelColumn = "2" }).Values);
    }

    [Fact]
    public void An_empty_name_of_a_column_is_its_number() => Assert.Equal(["1", "x"], Read(",x\n0,1\n").ColumnNames);

    public static TheoryData<string, string, string> Malformed => new()
    {
        { "x.csv", "", "empty" },
        { "x.csv", "\n\n", "empty" },
        { "x.jsonl", "", "empty" },
        { "x.csv", "a,b\n", "header only" },
        { "x.csv", "a,b\n1,2\n3\n", "row 2: found 1 fields, expected 2" },
        { "x.csv", "a,b\n1,2,3\n", "row 1: found 3 fields, expected 2" },
        { "x.csv", "a,name\n1,2\n1,2\n3,abc\n", "row 3, column 'name': found 'abc', expected a number; choose columns with --columns" },
        { "x.csv", "1,2\n3,abc\n", "row 2, column '2': found 'abc'" },
        { "x.csv", "a,b\n1,\n", "row 1, column 'b': found '', expected a number (missing" },
        { "x.csv", "1,\n2,3\n", "row 1, column '2': found '', expected a number (missing" },
        { "x.csv", "a,b\n1,NaN\n", "found 'NaN', expected a number (missing" },
        { "x.csv", "a,b\n1,NA\n", "found 'NA', expected a number (missing" },
        { "x.csv", "a,b\n1,null\n", "found 'null', expected a number (missing" },
        { "x.csv", "a,b\n1,inf\n", "found 'inf', expected" },
        { "x.csv", "a,b\n1,Infinity\n", "found 'Infinity', expected a finite number" },
        { "x.csv", "a,b\n1,1e999\n", "found '1e999', expected a finite number" },
        { "x.csv", "a,b\n1,\"1,000\"\n", "found '1,000'" },
        { "x.csv", "a,b\n1,0x10\n", "found '0x10'" },
        { "x.csv", "a\n1\n\n2\n", "empty line" },
        { "x.csv", "a,a\n1,2\n", "column 'a' is there twice" },
        { "x.csv", "a,b\n1,\"2\n3,4\n", "row 1:" },
        { "x.csv", "a,b\n1,\"2\"\"", "row 1:" },
        { "x.csv", "a,b\n1,\"2\"x\n", "row 1:" },
        { "x.csv", "a,b\n1,2\"3\n", "row 1:" },
        { "x.csv", "a,b\n1,\0\n", "NUL" },
        { "x.jsonl", "{\"a\":1}\n{\"a\":1,\"b\":2}\n", "row 2: found the key 'b'" },
        { "x.jsonl", "{\"a\":1,\"b\":2}\n{\"a\":1}\n", "row 2: key 'b' is missing" },
        { "x.jsonl", "{\"a\":1}\n[1]\n", "row 2: found an array, expected an object" },
        { "x.jsonl", "[1]\n{\"a\":1}\n", "row 2: found an object, expected an array" },
        { "x.jsonl", "[1]\n[1,2]\n", "row 2: found 2 values, expected 1" },
        { "x.jsonl", "[1]\n7\n", "row 2: found 7, expected an array" },
        { "x.jsonl", "7\n", "row 1: found 7, expected an object or an array" },
        { "x.jsonl", "{\"a\":1,\"a\":2}\n", "row 1: not valid JSON" },
        { "x.jsonl", "{\"a\":1\n", "row 1: not valid JSON" },
        { "x.jsonl", "{\"a\":\"x\"}\n", "row 1, column 'a': found '\"x\"', expected a number; choose" },
        { "x.jsonl", "{\"a\":\"1\"}\n", "found '\"1\"', expected a number; choose" },
        { "x.jsonl", "{\"a\":null}\n", "found 'null', expected a number (missing" },
        { "x.jsonl", "{\"a\":NaN}\n", "not valid JSON" },
        { "x.jsonl", "{\"a\":{\"b\":1}}\n", "row 1, column 'a'" },
        { "x.jsonl", "{}\n", "no column" },
        { "x.jsonl", "[]\n", "no column" },
        { "x.jsonl", "{\"\\ud800\":1}\n", "row 1: not valid JSON" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Malformed_files_are_refused_by_row_and_column(string name, string text, string says)
    {
        var error = Assert.Throws<IccFormatException>(() => Read(text, name: name));
        Assert.StartsWith(_folder.At(name), error.Message);
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Bytes_that_are_no_text_and_missing_files_are_refused()
    {
        foreach (var name in new[] { "x.csv", "x.jsonl", "x.dat" })
        {
            _folder.Write(name, [(byte)'1', (byte)'\n', 0xC3, 0x28, (byte)'\n']);
            Assert.Contains("UTF-8", Assert.Throws<IccFormatException>(() => Table.Read(_folder.At(name))).Message);
            _folder.Write(name, [0x7F, (byte)'E', (byte)'L', (byte)'F', 0, 0, 1]);
            Assert.Contains("NUL", Assert.Throws<IccFormatException>(() => Table.Read(_folder.At(name))).Message);
            File.Delete(_folder.At(name));
            Assert.Contains("no such file", Assert.Throws<IccFormatException>(() => Table.Read(_folder.At(name))).Message);
        }
    }

    [Theory]
    [InlineData("x.csv", "1")]
    [InlineData("x.csv", ",")]
    [InlineData("x.csv", "\"\n")]
    [InlineData("x.jsonl", "[")]
    [InlineData("x.jsonl", "{\"a\":1}")]
    [InlineData("x.dat", "a;")]
    public void A_row_without_end_is_refused_with_little_memory(string name, string unit)
    {
        const int Length = 100_000_000;
        var path = _folder.At(name);
        using (var file = new StreamWriter(path))
        {
            file.Write(name == "x.csv" && unit[0] == '"' ? "\"" : "");
            var block = string.Concat(Enumerable.Repeat(unit.Replace("\"\n", "x\n", StringComparison.Ordinal), 100_000));
            for (long written = 0; written < Length; written += block.Length)
            {
                file.Write(block);
            }
        }
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.StartsWith(path, Assert.Throws<IccFormatException>(() => Table.Read(path)).Message);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < Length, $"{allocated} bytes allocated");
    }

    [Theory]
    [InlineData("z", null, "column 'z': not in")]
    [InlineData("4", null, "column '4': not in")]
    [InlineData("0", null, "column '0': not in")]
    [InlineData("a,1", null, "twice")]
    [InlineData("a", "a", "label column")]
    [InlineData(null, "z", "column 'z': not in")]
    public void Columns_that_are_not_there_or_asked_for_twice_are_refused(string? columns, string? label, string says)
    {
        var options = new TableOptions { Columns = columns?.Split(','), LabelColumn = label };
        var error = Assert.Throws<IccArgumentException>(() => Read("a,b,c\n1,2,3\n", options));
        Assert.Contains(says, error.Message);
    }

    [Theory]
    [InlineData("x.csv", "k,x\n,1\n")]
    [InlineData("x.jsonl", "{\"k\":null,\"x\":1}")]
    [InlineData("x.jsonl", "{\"k\":\"\",\"x\":1}")]
    public void A_missing_label_is_refused(string name, string text) =>
        Assert.Contains("row 1, column 'k'", Assert.Throws<IccFormatException>(() => Read(text, new TableOptions { LabelColumn = "k" }, name)).Message);

    private Table Read(string text, TableOptions? options = null, string name = "x.csv") => Table.Read(_folder.Write(name, text), options);
}
