using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>One line of an episode file, checked.</summary>
internal sealed class EpisodeReader(string path, long line)
{
    /// <summary>Coordinates beyond this are no data; the estimators refuse them too.</summary>
    private const double LargestCoordinate = 1e140;

    /// <summary>The episode of an object.</summary>
    /// <exception cref="IccFormatException">It is none; the message says where and why.</exception>
    public Episode Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("the line", root, "an object");
        }
        var x = Points(Required(root, "x"), out var n, out var d);
        var y = Ints(Required(root, "y"), "y", n);
        var c = Int(Required(root, "c"), "c");
        if (c < 1 || c > n)
        {
            throw Wrong("c", c, $"between 1 and the {n} points");
        }
        if (Optional(root, "d") is { } given && Int(given, "d") is var columns && columns != d)
        {
            throw Wrong("d", columns, $"{d}, the numbers of a row of x");
        }
        return new Episode
        {
            NClusters = c,
            D = d,
            X = x,
            Y = y,
            Df = Optional(root, "df") is { } df ? Number(df, "df") : null,
            Dist = Optional(root, "dist") is { } dist ? Text(dist, "dist") : null,
            Set = Optional(root, "set") is { } set ? Text(set, "set") : null,
            Seed = Optional(root, "seed") is { } seed ? Long(seed) : null,
            Perms = Optional(root, "perms") is { } perms ? Permutations(perms, n) : null,
        };
    }

    private double[] Points(JsonElement x, out int n, out int d)
    {
        n = x.ValueKind == JsonValueKind.Array ? x.GetArrayLength() : throw Wrong("x", x, "an array of rows");
        d = n > 0 && x[0].ValueKind == JsonValueKind.Array ? x[0].GetArrayLength() : 0;
        if (d == 0)
        {
            throw Wrong("x", x, "at least one row of at least one number");
        }
        var points = new double[(long)n * d];
        var i = 0;
        foreach (var row in x.EnumerateArray())
        {
            if (row.ValueKind != JsonValueKind.Array || row.GetArrayLength() != d)
            {
                throw Wrong($"x, row {i / d}", row, $"{d} numbers");
            }
            foreach (var value in row.EnumerateArray())
            {
                var number = Number(value, $"x, row {i / d}, column {i % d}");
                points[i++] = Math.Abs(number) <= LargestCoordinate
                    ? number
                    : throw Wrong($"x, row {(i - 1) / d}, column {(i - 1) % d}", value, "a number of magnitude 1e140 or less");
            }
        }
        return points;
    }

    private int[][] Permutations(JsonElement perms, int n)
    {
        if (perms.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("perms", perms, "an array of permutations");
        }
        var found = new List<int[]>();
        foreach (var perm in perms.EnumerateArray())
        {
            var place = $"perms, list {found.Count}";
            var order = Ints(perm, place, n);
            var seen = new bool[n];
            foreach (var index in order)
            {
                if (index < 0 || index >= n || seen[index])
                {
                    throw Wrong(place, index, $"each of 0 .. {n - 1} once");
                }
                seen[index] = true;
            }
            found.Add(order);
        }
        return [.. found];
    }

    private int[] Ints(JsonElement list, string name, int n)
    {
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() != n)
        {
            throw Wrong(name, list, $"an array of {n} whole numbers, one a row of x");
        }
        return [.. list.EnumerateArray().Select((value, i) => Int(value, $"{name}, value {i}"))];
    }

    private int Int(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(name, value, "a whole number");

    private long Long(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : throw Wrong("seed", value, "a whole number");

    private double Number(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong(name, value, "a finite number");

    private string Text(JsonElement value, string name)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, value, "a string");
        }
        catch (InvalidOperationException e)
        {
            throw new IccFormatException(path, $"line {line}, {name}: not valid Unicode", e);
        }
    }

    private JsonElement Required(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) ? value : throw new IccFormatException(path, $"line {line}: found no \"{name}\", expected c, x and y");

    private static JsonElement? Optional(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private IccFormatException Wrong(string place, JsonElement found, string expected) => Wrong(place, (object)(found.ValueKind switch
    {
        JsonValueKind.Array => $"an array of {found.GetArrayLength()}",
        JsonValueKind.Object => "an object",
        _ => found.GetRawText() is { Length: > 40 } text ? $"{text.AsSpan(0, 40)}..." : found.GetRawText(),
    }), expected);

    private IccFormatException Wrong(string place, object found, string expected) =>
        new(path, FormattableString.Invariant($"line {line}, {place}: found {found}, expected {expected}"));
}
