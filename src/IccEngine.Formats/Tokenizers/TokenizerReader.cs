using System.Text.Json;

namespace IccEngine.Formats.Tokenizers;

/// <summary>The parts of a tokenizer as tokenizer.json gives them.</summary>
internal sealed record TokenizerParts(
    BpeModel Model, AddedVocabulary Added, int AddedCount, IPreTokenizer? PreTokenizer, INormalizer? Normalizer,
    IPostProcessor? PostProcessor, IDecoder? Decoder);

/// <summary>Reads tokenizer.json. Its <c>truncation</c> and <c>padding</c> are left to the caller, as transformers does.</summary>
internal static class TokenizerReader
{
    public static TokenizerParts Read(ReadOnlyMemory<byte> utf8, string file)
    {
        var root = JsonPlace.Parse(utf8, file, out var document);
        using (document)
        {
            var model = root.Required("model");
            CheckModel(model);
            var vocabulary = Vocabulary(model.Required("vocab"), out var tokens);
            var bpe = Bpe(model, vocabulary, tokens);
            var normalizer = root.Optional("normalizer") is { } n ? Components.Normalizer(n) : null;
            var added = root.Optional("added_tokens") is { } list ? Added(list, bpe) : [];
            var addedVocabulary = new AddedVocabulary(added, normalizer, file);
            return new TokenizerParts(
                bpe,
                addedVocabulary,
                added.Count(token => bpe.IdOf(token.Content) is null),
                root.Optional("pre_tokenizer") is { } p ? Components.PreTokenizer(p) : null,
                normalizer,
                root.Optional("post_processor") is { } q
                    ? Components.PostProcessor(q, id => addedVocabulary.TokenOf(id) ?? bpe.TokenOf(id))
                    : null,
                root.Optional("decoder") is { } d ? Components.Decoder(d) : null);
        }
    }

    private static void CheckModel(JsonPlace model)
    {
        // Files of the first releases do not name the type; only BPE has merges.
        var type = model.Optional("type")?.String() ?? (model.Optional("merges") is null ? "" : "BPE");
        if (type != "BPE")
        {
            throw type.Length == 0
                ? model.Error("key \"type\" is missing")
                : model.Unsupported($"the tokenizer model {JsonPlace.Quote(type)}");
        }
        if (model.Optional("dropout") is { } dropout && !(dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.TryGetDouble(out var p) && p == 0))
        {
            throw dropout.Unsupported("a dropout other than 0");
        }
        foreach (var key in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (model.StringOr(key, "").Length > 0)
            {
                throw model.Required(key).Unsupported("a prefix or suffix of tokens");
            }
        }
    }

    private static Dictionary<string, int> Vocabulary(JsonPlace json, out Dictionary<int, string> tokens)
    {
        if (json.Element.ValueKind != JsonValueKind.Object)
        {
            throw json.Wrong("an object");
        }
        var count = json.Element.GetPropertyCount();
        var vocabulary = new Dictionary<string, int>(count, StringComparer.Ordinal);
        tokens = new Dictionary<int, string>(count);
        foreach (var property in json.Element.EnumerateObject())
        {
            var token = json.KeyOf(property);
            if (!JsonPlace.IsId(property.Value, out var id))
            {
                throw json.Error($"the id of {JsonPlace.Quote(token)} is not an integer from 0 to 2147483647");
            }
            if (!tokens.TryAdd(id, token))
            {
                throw json.Error($"{JsonPlace.Quote(tokens[id])} and {JsonPlace.Quote(token)} have the same id {id}");
            }
            vocabulary.Add(token, id);
        }
        return vocabulary;
    }

    private static BpeModel Bpe(JsonPlace model, Dictionary<string, int> vocabulary, Dictionary<int, string> tokens)
    {
        var unknown = model.Optional("unk_token");
        var unknownId = -1;
        if (unknown is { } place && !vocabulary.TryGetValue(place.String(), out unknownId))
        {
            throw place.Error($"{JsonPlace.Quote(place.String())} is not in the vocabulary");
        }
        var merges = Merges(model.Required("merges"), vocabulary, out var results);
        return new BpeModel(
            vocabulary,
            tokens,
            merges,
            results,
            model.BoolOr("byte_fallback", false),
            unknownId,
            model.BoolOr("fuse_unk", false),
            model.BoolOr("ignore_merges", false));
    }

    private static Dictionary<(int, int), BpeModel.Merge> Merges(JsonPlace json, Dictionary<string, int> vocabulary, out int[] results)
    {
        if (json.Element.ValueKind != JsonValueKind.Array)
        {
            throw json.Wrong("an array");
        }
        var merges = new Dictionary<(int, int), BpeModel.Merge>(json.Element.GetArrayLength());
        results = new int[json.Element.GetArrayLength()];
        var rank = 0;
        foreach (var item in json.Element.EnumerateArray())
        {
            var (left, right) = Pair(json, item, rank);
            // The last of equal pairs counts, as in the reference.
            var pair = (Id(left), Id(right));
            results[rank] = Id(left + right);
            merges[pair] = new BpeModel.Merge(rank, results[rank]);
            rank++;
        }
        return merges;

        int Id(string token) => vocabulary.TryGetValue(token, out var id)
            ? id
            : throw json.Error($"merge {rank} needs {JsonPlace.Quote(token)}, which is not in the vocabulary");
    }

    /// <summary>A merge in either form: "a b" or ["a", "b"].</summary>
    private static (string Left, string Right) Pair(JsonPlace json, JsonElement item, int rank)
    {
        if (item.ValueKind == JsonValueKind.String)
        {
            var text = json.Text(item);
            var space = text.IndexOf(' ');
            if (space > 0 && space < text.Length - 1 && text.IndexOf(' ', space + 1) < 0)
            {
                return (text[..space], text[(space + 1)..]);
            }
        }
        else if (item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 2
            && item[0].ValueKind == JsonValueKind.String && item[1].ValueKind == JsonValueKind.String)
        {
            return (json.Text(item[0]), json.Text(item[1]));
        }
        throw json.Error($"merge {rank} is neither \"a b\" nor [\"a\", \"b\"]");
    }

    private static List<AddedToken> Added(JsonPlace json, BpeModel model)
    {
        var result = new List<AddedToken>();
        var (ids, contents) = (new HashSet<int>(), new HashSet<string>());
        foreach (var item in json.Items())
        {
            var token = new AddedToken(
                item.Required("id").NonNegativeInt(),
                item.Required("content").String(),
                item.BoolOr("single_word", false),
                item.BoolOr("lstrip", false),
                item.BoolOr("rstrip", false),
                item.BoolOr("normalized", true),
                item.BoolOr("special", false));
            if (!ids.Add(token.Id) || !contents.Add(token.Content))
            {
                throw item.Error($"id {token.Id} or content {JsonPlace.Quote(token.Content)} occurs twice");
            }
            if ((model.IdOf(token.Content) ?? token.Id) != token.Id)
            {
                throw item.Error($"{JsonPlace.Quote(token.Content)} has id {token.Id}, model.vocab gives it {model.IdOf(token.Content)}");
            }
            if ((model.TokenOf(token.Id) ?? token.Content) != token.Content)
            {
                throw item.Error($"id {token.Id} of {JsonPlace.Quote(token.Content)} is that of {JsonPlace.Quote(model.TokenOf(token.Id)!)} in model.vocab");
            }
            result.Add(token);
        }
        return result;
    }
}
