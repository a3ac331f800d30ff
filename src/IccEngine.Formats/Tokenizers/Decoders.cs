using System.Globalization;
using System.Text;

namespace IccEngine.Formats.Tokenizers;

/// <summary>A step from tokens to text; the results of the last step are joined.</summary>
internal interface IDecoder
{
    List<string> Decode(List<string> tokens);
}

/// <summary>Turns the characters of byte-level BPE back into bytes; one U+FFFD for each maximal broken part.</summary>
internal sealed class ByteLevelDecoder : IDecoder
{
    public List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (token.All(c => ByteAlphabet.Byte(c) >= 0))
            {
                bytes.AddRange(token.Select(c => (byte)ByteAlphabet.Byte(c)));
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
            }
        }
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}

/// <summary>
/// Turns a run of tokens &lt;0x00&gt; to &lt;0xFF&gt; into the text whose UTF-8 it is; where the run as a whole is not
/// valid UTF-8, into one U+FFFD for every token of it.
/// </summary>
internal sealed class ByteFallbackDecoder : IDecoder
{
    private static readonly UTF8Encoding Strict = new(false, true);

    public List<string> Decode(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (var token in tokens)
        {
            if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
                && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                run.Add(value);
                continue;
            }
            Flush(run, result);
            result.Add(token);
        }
        Flush(run, result);
        return result;
    }

    private static void Flush(List<byte> run, List<string> result)
    {
        if (run.Count == 0)
        {
            return;
        }
        try
        {
            result.Add(Strict.GetString([.. run]));
        }
        catch (DecoderFallbackException)
        {
            result.AddRange(Enumerable.Repeat("\uFFFD", run.Count));
        }
        run.Clear();
    }
}

/// <summary>Joins all tokens into one.</summary>
internal sealed class FuseDecoder : IDecoder
{
    public List<string> Decode(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Replaces matches inside each token.</summary>
internal sealed class ReplaceDecoder(IPattern pattern, string content, JsonPlace json) : IDecoder
{
    // Real decoders put in what is no longer than what they take out; a hostile file could double the text at every step.
    private const int MaximumGrowth = 1 << 20;

    public List<string> Decode(List<string> tokens)
    {
        var growth = 0L;
        var matches = new List<(int Start, int Length)>();
        return tokens.ConvertAll(token =>
        {
            var text = AlignedText.Of(token, json.File);
            matches.Clear();
            pattern.Begin(text).Find(0, text.Length, matches);
            growth += matches.Sum(match => Math.Max(0L, content.Length - match.Length));
            return growth > MaximumGrowth
                ? throw json.Unsupported($"a replacement that makes the text more than {MaximumGrowth} characters longer")
                : matches.Count == 0 ? token : Replace(text, matches);
        });
    }

    private string Replace(AlignedText text, List<(int Start, int Length)> matches)
    {
        var result = new StringBuilder(text.Length);
        var end = 0;
        foreach (var (start, length) in matches)
        {
            result.Append(CodePoints.ToText(text.Points[end..start])).Append(content);
            end = start + length;
        }
        return result.Append(CodePoints.ToText(text.Points[end..])).ToString();
    }
}

/// <summary>Cuts up to a number of one character off the start and the end of each token.</summary>
internal sealed class StripDecoder(int content, int start, int stop) : IDecoder
{
    public List<string> Decode(List<string> tokens) => tokens.ConvertAll(token =>
    {
        var points = CodePoints.Of(token).AsSpan();
        for (var i = 0; i < start && points.Length > 0 && points[0] == content; i++)
        {
            points = points[1..];
        }
        for (var i = 0; i < stop && points.Length > 0 && points[^1] == content; i++)
        {
            points = points[..^1];
        }
        return CodePoints.ToText(points);
    });
}

/// <summary>Turns markers into spaces; those of the first token are dropped unless none was ever prepended.</summary>
internal sealed class MetaspaceDecoder(string replacement, PrependScheme prepend) : IDecoder
{
    public List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(replacement, i == 0 && prepend != PrependScheme.Never ? "" : " ", StringComparison.Ordinal))];
}

internal sealed class DecoderSequence(IReadOnlyList<IDecoder> steps) : IDecoder
{
    public List<string> Decode(List<string> tokens) => steps.Aggregate(tokens, (current, step) => step.Decode(current));
}
