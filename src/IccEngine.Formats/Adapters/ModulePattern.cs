using System.Diagnostics;
using System.Text.RegularExpressions;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// Makes the regular expressions of one adapter_config.json. They come from a stranger: their number, their length and the time of all
/// their matches together are limited.
/// </summary>
internal sealed class ModulePatterns(string file)
{
    /// <summary>Most expressions of one configuration.</summary>
    public const int MaxCount = 4096;

    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(5);

    private int _count;
    private TimeSpan _spent;

    /// <summary>Path of the configuration.</summary>
    public string File => file;

    /// <summary>Matches names as a whole (re.fullmatch).</summary>
    public ModulePattern Full(string key, string text) => Make(key, text, @"\A(?:{0})\z");

    /// <summary>Matches names that are, or end with a dot and, the expression, as PEFT matches rank_pattern and alpha_pattern.</summary>
    public ModulePattern Suffix(string key, string text) => Make(key, text, @"\A(?:.*\.)?(?:{0})\z");

    /// <summary>Finds the number of the layer after a segment, as PEFT matches layers_pattern.</summary>
    public ModulePattern LayerAfter(string key, string text) => Make(key, text, @"\A.*?\.(?:{0})\.(?<IccLayer>[0-9]+)\.");

    /// <summary>What is left of the time.</summary>
    public TimeSpan Left => Budget - _spent;

    /// <summary>Counts the time of a match.</summary>
    public void Spend(TimeSpan time) => _spent += time;

    private ModulePattern Make(string key, string text, string around) => ++_count <= MaxCount
        ? new ModulePattern(this, key, text, around)
        : throw new IccFormatException(file, $"{key}: found more than {MaxCount} regular expressions in the file, expected fewer");
}

/// <summary>A regular expression of an adapter_config.json, matched against module names as Python's re module does it.</summary>
internal sealed class ModulePattern
{
    private const int MaxLength = 4096;

    private static readonly TimeSpan OneMatch = TimeSpan.FromSeconds(1);

    private readonly ModulePatterns _all;
    private readonly string _key, _text;
    private readonly Regex _regex;

    /// <summary>Makes the expression, put into <paramref name="around"/>.</summary>
    public ModulePattern(ModulePatterns all, string key, string text, string around)
    {
        (_all, _key, _text) = (all, key, text);
        if (text.Length > MaxLength)
        {
            throw new IccFormatException(all.File, $"{key}: found a regular expression of {text.Length} characters, expected at most {MaxLength}");
        }
        try
        {
            _regex = new Regex(string.Format(null, around, ToDotNet(text)), RegexOptions.CultureInvariant, OneMatch);
        }
        catch (ArgumentException e)
        {
            throw new IccFormatException(all.File, $"{key}: '{text}' is no regular expression: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Whether the name matches.</summary>
    /// <exception cref="IccFormatException">The expression takes too long.</exception>
    public bool Matches(string name) => Match(name).Success;

    /// <summary>The layer number in the name, for <see cref="ModulePatterns.LayerAfter"/>; null where there is none.</summary>
    /// <exception cref="IccFormatException">The expression takes too long.</exception>
    public int? LayerOf(string name) => int.TryParse(Match(name).Groups["IccLayer"].ValueSpan, out var layer) ? layer : null;

    private Match Match(string name)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            var match = _regex.Match(name);
            _all.Spend(Stopwatch.GetElapsedTime(start));
            return _all.Left > TimeSpan.Zero ? match : throw TooSlow(null);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw TooSlow(e);
        }
    }

    private IccFormatException TooSlow(Exception? inner) =>
        new(_all.File, $"{_key}: the regular expression '{_text}' takes too long to match the names of the modules", inner);

    // What Python writes differently: (?P<name>...), (?P=name), and \Z for the very end.
    private static string ToDotNet(string python) =>
        Regex.Replace(python, @"\\Z|\\.|\(\?P<|\(\?P=(\w+)\)", m => m.Value switch
        {
            @"\Z" => @"\z",
            "(?P<" => "(?<",
            _ when m.Value.StartsWith("(?P=", StringComparison.Ordinal) => $@"\k<{m.Groups[1].Value}>",
            _ => m.Value,
        }, RegexOptions.Singleline | RegexOptions.CultureInvariant);
}
