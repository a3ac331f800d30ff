using System.Runtime.InteropServices;
using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Clustering.Tests;

/// <summary>Cases of the clustering goldens, found in the files.</summary>
internal static class GoldenFile
{
    /// <summary>Names of the cases of a file; null alone where there is no such file, so that the test can say so.</summary>
    public static TheoryData<string?> Names(params string[] path)
    {
        var data = new TheoryData<string?>();
        foreach (var golden in File.Exists(At(path)) ? Cases(path) : [])
        {
            data.Add(golden.GetProperty("name").GetString());
        }
        if (data.Count == 0)
        {
            data.Add((string?)null);
        }
        return data;
    }

    /// <summary>The same, each on every backend: (name, backend).</summary>
    public static IEnumerable<object?[]> OnBackends(params string[] path) =>
        ((IEnumerable<object?[]>)Names(path)).SelectMany(row => TestBackends.All.Select(backend => new object?[] { row[0], backend }));

    /// <summary>The case of that name; skips where the file is missing or has no cases.</summary>
    public static JsonElement Case(string? name, params string[] path)
    {
        Skip.If(name is null, $"no cases in {At(path)}");
        return Cases(path).Single(c => c.GetProperty("name").GetString() == name);
    }

    /// <summary>
    /// (number, title) of the cases of a file, where a name alone does not tell them apart: the title is made of the keys given; null alone
    /// where there is no such file.
    /// </summary>
    public static TheoryData<int?, string?> Numbered(string file, params string[] titleKeys)
    {
        var data = new TheoryData<int?, string?>();
        var cases = File.Exists(At([file])) ? Cases([file]).ToArray() : [];
        for (var i = 0; i < cases.Length; i++)
        {
            data.Add(i, string.Join(" ", titleKeys.Select(k => cases[i].Text(k))));
        }
        if (data.Count == 0)
        {
            data.Add(null, null);
        }
        return data;
    }

    /// <summary>
    /// The case of that number, and the case of the same name that has the key: what several cases share stands in the first of them. Skips where
    /// the file is missing or has no cases.
    /// </summary>
    public static (JsonElement Case, JsonElement Shared) Numbered(int? number, string file, string sharedKey)
    {
        Skip.If(number is null, $"no cases in {At([file])}");
        var cases = Cases([file]).ToArray();
        var golden = cases[number!.Value];
        bool Has(JsonElement e) => e.Text("name") == golden.Text("name") && e.TryGetProperty(sharedKey, out var v) && v.ValueKind == JsonValueKind.Array;
        return (golden, Has(golden) ? golden : cases.First(Has));
    }

    /// <summary>The root of a file without a list of cases; skips where the file is missing.</summary>
    public static JsonElement Root(params string[] path)
    {
        Skip.IfNot(File.Exists(At(path)), $"no file {At(path)}");
        return JsonDocument.Parse(File.ReadAllText(At(path))).RootElement;
    }

    /// <summary>Tensors of a safetensors file.</summary>
    public static SafeTensorsFile Tensors(params string[] path) => SafeTensorsFile.Open(At(path));

    private static IEnumerable<JsonElement> Cases(string[] path) =>
        JsonDocument.Parse(File.ReadAllText(At(path))).RootElement.GetProperty("cases").EnumerateArray();

    private static string At(string[] path) => Testing.Goldens.At(["clustering", .. path]);

    /// <summary>A number, or one of the texts nan, inf, -inf.</summary>
    public static double Number(this JsonElement e) => e.ValueKind != JsonValueKind.String ? e.GetDouble() : e.GetString() switch
    {
        "nan" => double.NaN,
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        var other => throw new InvalidDataException($"found {other}, expected a number"),
    };

    public static double Number(this JsonElement e, string name) => e.GetProperty(name).Number();

    public static int Int(this JsonElement e, string name) => e.GetProperty(name).GetInt32();

    public static string? Text(this JsonElement e, string name) => e.TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>Numbers of a list, or of a list of lists row by row.</summary>
    public static double[] Numbers(this JsonElement e, string name) => [.. Flatten(e.GetProperty(name)).Select(Number)];

    public static int[] Ints(this JsonElement e, string name) => [.. Flatten(e.GetProperty(name)).Select(v => v.GetInt32())];

    /// <summary>Inclusive pairs as half-open spans.</summary>
    public static TokenSpan[] Spans(this JsonElement e, string name) =>
        [.. e.Ints(name).Chunk(2).Select(p => new TokenSpan(p[0], p[1] + 1))];

    public static double[] Doubles(this SafeTensorsFile file, string name)
    {
        var tensor = file.Get(name);
        Assert.Equal(DType.F64, tensor.DType);
        return MemoryMarshal.Cast<byte, double>(tensor.Bytes(0, (int)tensor.ByteLength)).ToArray();
    }

    private static IEnumerable<JsonElement> Flatten(JsonElement e) =>
        e.ValueKind == JsonValueKind.Array ? e.EnumerateArray().SelectMany(Flatten) : [e];
}
