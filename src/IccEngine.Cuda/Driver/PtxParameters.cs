using System.Text;

namespace IccEngine.Cuda;

/// <summary>What the kernels of a PTX text take: the driver tells how many bytes a parameter has only in its newest forms.</summary>
internal static class PtxParameters
{
    /// <summary>Bytes of each parameter, by kernel.</summary>
    public static Dictionary<string, int[]> Read(ReadOnlySpan<byte> ptx)
    {
        var kernels = new Dictionary<string, int[]>();
        const string entry = ".entry ";
        var text = Encoding.ASCII.GetString(ptx);
        for (var at = text.IndexOf(entry, StringComparison.Ordinal); at >= 0; at = text.IndexOf(entry, at, StringComparison.Ordinal))
        {
            at += entry.Length;
            var open = text.IndexOf('(', at);
            var close = text.IndexOf(')', open);
            var parameters = text[(open + 1)..close].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            kernels[text[at..open].Trim()] = Array.ConvertAll(parameters, Size);
            at = close;
        }
        return kernels;
    }

    // ".param .u32 name", ".param .u64 .ptr .align 4 name", ".param .align 8 .b8 name[112]": an array's bytes, else those of its type.
    private static int Size(string parameter)
    {
        var words = parameter.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        var type = words.First(w => w[0] == '.' && char.IsAsciiDigit(w[^1]));
        var bytes = int.Parse(type.AsSpan(2)) / 8;
        var open = words[^1].IndexOf('[');
        return open < 0 ? bytes : bytes * int.Parse(words[^1].AsSpan(open + 1, words[^1].Length - open - 2));
    }
}
