using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>
/// Reads the steps of tokenizer.json: normalizers, pre-tokenizers, post-processors and decoders. A type that is not
/// known is refused by name.
/// </summary>
internal static class Components
{
    // GPT-2's pattern, which a ByteLevel step with use_regex stands for.
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public static INormalizer Normalizer(JsonPlace json)
    {
        var type = json.Required("type").String();
        return type switch
        {
            "NFC" => new UnicodeFormNormalizer(false, true),
            "NFD" => new UnicodeFormNormalizer(false, false),
            "NFKC" => new UnicodeFormNormalizer(true, true),
            "NFKD" => new UnicodeFormNormalizer(true, false),
            "Lowercase" => new LowercaseNormalizer(),
            "Prepend" => new PrependNormalizer(CodePoints.Of(json.Required("prepend").String())),
            "Replace" => new ReplaceNormalizer(Pattern(json), CodePoints.Of(json.Required("content").String())),
            "Strip" => new StripNormalizer(json.BoolOr("strip_left", true), json.BoolOr("strip_right", true)),
            "Sequence" => new NormalizerSequence([.. json.Required("normalizers").Items().Select(Normalizer)]),
            _ => throw Unknown(json, "normalizer", type),
        };
    }

    public static IPreTokenizer PreTokenizer(JsonPlace json)
    {
        var type = json.Required("type").String();
        return type switch
        {
            "Split" => new SplitPreTokenizer(Pattern(json), Behavior(json.Required("behavior")), json.BoolOr("invert", false)),
            "ByteLevel" => new ByteLevelPreTokenizer(
                json.BoolOr("add_prefix_space", true),
                json.BoolOr("use_regex", true)
                    ? new SplitPreTokenizer(new RegexPattern(Gpt2Pattern, json), SplitBehavior.Isolated, false)
                    : null),
            "Metaspace" => new MetaspacePreTokenizer(json.Required("replacement").CodePoint(), Prepend(json), json.BoolOr("split", true)),
            "Digits" => new ClassPreTokenizer(p => CodePoints.IsNumeric(p) ? 1 : 0, json.BoolOr("individual_digits", false), -1),
            "Whitespace" => new ClassPreTokenizer(p => CodePoints.IsWord(p) ? 0 : CodePoints.IsWhiteSpace(p) ? 2 : 1, false, 2),
            "WhitespaceSplit" => new ClassPreTokenizer(p => CodePoints.IsWhiteSpace(p) ? 1 : 0, false, 1),
            "Sequence" => new PreTokenizerSequence([.. json.Required("pretokenizers").Items().Select(PreTokenizer)]),
            _ => throw Unknown(json, "pre-tokenizer", type),
        };
    }

    /// <summary>Reads a post-processor.</summary>
    /// <param name="json">Its place.</param>
    /// <param name="tokenOf">Id to token, null for an id the tokenizer does not have.</param>
    public static IPostProcessor PostProcessor(JsonPlace json, Func<int, string?> tokenOf)
    {
        var type = json.Required("type").String();
        return type switch
        {
            "ByteLevel" => json.BoolOr("trim_offsets", true)
                ? new TrimOffsetsPostProcessor(json.BoolOr("add_prefix_space", true))
                : new PostProcessorSequence([]),
            "TemplateProcessing" => Template(json, tokenOf),
            "Sequence" => new PostProcessorSequence([.. json.Required("processors").Items().Select(step => PostProcessor(step, tokenOf))]),
            _ => throw Unknown(json, "post-processor", type),
        };
    }

    public static IDecoder Decoder(JsonPlace json)
    {
        var type = json.Required("type").String();
        return type switch
        {
            "ByteLevel" => new ByteLevelDecoder(),
            "ByteFallback" => new ByteFallbackDecoder(),
            "Fuse" => new FuseDecoder(),
            "Replace" => new ReplaceDecoder(Pattern(json), json.Required("content").String(), json),
            "Strip" => new StripDecoder(
                json.Required("content").CodePoint(), json.Required("start").NonNegativeInt(), json.Required("stop").NonNegativeInt()),
            "Metaspace" => new MetaspaceDecoder(char.ConvertFromUtf32(json.Required("replacement").CodePoint()), Prepend(json)),
            "Sequence" => new DecoderSequence([.. json.Required("decoders").Items().Select(Decoder)]),
            _ => throw Unknown(json, "decoder", type),
        };
    }

    private static IPattern Pattern(JsonPlace json)
    {
        var pattern = json.Required("pattern");
        if (pattern.Optional("String") is { } literal)
        {
            // As with patterns, the library's empty matches are not worth imitating.
            return literal.String().Length == 0
                ? throw literal.Unsupported("an empty text to look for")
                : new LiteralPattern(CodePoints.Of(literal.String()));
        }
        var regex = pattern.Required("Regex");
        return new RegexPattern(regex.String(), regex);
    }

    private static SplitBehavior Behavior(JsonPlace json) => json.String() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw json.Error($"found {JsonPlace.Quote(other)}, expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous"),
    };

    /// <summary>Reads prepend_scheme; files of old releases have add_prefix_space instead, which must not contradict it.</summary>
    private static PrependScheme Prepend(JsonPlace json)
    {
        var scheme = json.StringOr("prepend_scheme", "always") switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw json.Required("prepend_scheme").Error($"found {JsonPlace.Quote(other)}, expected always, first or never"),
        };
        return json.BoolOr("add_prefix_space", true) || scheme == PrependScheme.Never
            ? scheme
            : throw json.Error("add_prefix_space is false, prepend_scheme is not \"never\"");
    }

    private static TemplatePostProcessor Template(JsonPlace json, Func<int, string?> tokenOf)
    {
        var special = json.Required("special_tokens");
        var (before, after) = (new List<(int, string)>(), new List<(int, string)>());
        var current = before;
        foreach (var item in json.Required("single").Items())
        {
            if (item.Optional("Sequence") is { } sequence)
            {
                if (sequence.Required("id").String() != "A" || current == after)
                {
                    throw item.Unsupported("a sequence other than one \"A\"");
                }
                current = after;
                continue;
            }
            var place = item.Required("SpecialToken").Required("id");
            var entry = special.Optional(place.String())
                ?? throw place.Error($"{JsonPlace.Quote(place.String())} is not among the special_tokens");
            foreach (var id in entry.Required("ids").Items())
            {
                var token = tokenOf(id.NonNegativeInt()) ?? throw id.Error($"id {id.NonNegativeInt()} is not in the vocabulary");
                current.Add((id.NonNegativeInt(), token));
            }
        }
        return current == after
            ? new TemplatePostProcessor(before, after)
            : throw json.Required("single").Error("the sequence \"A\" is missing");
    }

    private static IccUnsupportedException Unknown(JsonPlace json, string kind, string type) =>
        json.Unsupported($"the {kind} {JsonPlace.Quote(type)}");
}
