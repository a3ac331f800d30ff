using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc cluster-text, from outside, with a small model whose answers mean nothing: its mechanics.</summary>
public sealed class ClusterTextCommandTests : IDisposable
{
    private static readonly string[] _texts =
        ["The cat sat on the mat.", "Interest rates rose.", "Dogs bark, \"loudly\"", "the cat sat on the mat.", "Les marchés 📈 montent", "Dogs bark, \"loudly\""];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("attention")]
    [InlineData("both", "--condition", "by topic", "--permutations", "2")]
    public void Lines_are_clustered(string method, params string[] options)
    {
        var (path, output) = (Write("texts.txt", string.Join('\n', _texts) + "\n"), Path.Combine(_folder.Path, "out.jsonl"));
        var outcome = Icc.Run(["cluster-text", path, "-k", "2", "--model", Icc.ChatModel, "--method", method, "--json", "--out", output, .. options]);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal(_texts.Length, document.RootElement.GetProperty("points").GetInt32());
        var labels = document.RootElement.GetProperty("results").EnumerateArray()
            .Select(r => r.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32()).ToArray()).ToArray();
        Assert.Equal(method == "both" ? 2 : 1, labels.Length);
        Assert.All(labels, l => Assert.Equal(_texts.Length, l.Length));
        Assert.All(labels.SelectMany(l => l), l => Assert.InRange(l, 0, 1));
        var written = File.ReadAllLines(output).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(_texts, written.Select(w => w.GetProperty("text").GetString()!));
        Assert.Equal(labels[0], written.Select(w => w.GetProperty("cluster").GetInt32()));
    }

    [Fact]
    public void Answers_of_several_orders_may_be_free()
    {
        var outcome = Icc.Run(
            "cluster-text", Write("texts.txt", string.Join('\n', _texts)), "-k", "2", "--model", Icc.ChatModel, "--method", "generate", "--permutations", "2",
            "--answer", "free", "--max-new-tokens", "5", "--json");
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        var result = document.RootElement.GetProperty("results")[0];
        Assert.Equal((2, 2), (result.GetProperty("answers").GetArrayLength(), result.GetProperty("unparsed").GetInt32()));
        Assert.Equal(_texts.Length, result.GetProperty("labels").EnumerateArray().Count(l => l.GetInt32() == -1));
    }

    [Fact]
    public void Texts_with_special_tokens_are_clustered_by_the_attention_of_their_labels()
    {
        var path = Write("texts.txt", "a<s>b</s>\n<|eot_id|> <|im_end|>\n</s>\n<unk> end\n");
        var outcome = Icc.Run("cluster-text", path, "-k", "2", "--model", Icc.ChatModel, "--affinity-kind", "oo", "--condition", "<s> by </s>");
        Assert.Equal("", outcome.Error);
        Assert.Contains("sizes: 0: ", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_have_no_silhouette_of_points_when_they_are_counted()
    {
        var outcome = Icc.Run("cluster-text", Write("texts.txt", string.Join('\n', _texts)), "-k", "auto", "--permutations", "1", "--model", Icc.ChatModel, "--json");
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        var candidates = document.RootElement.GetProperty("candidates").EnumerateArray().ToArray();
        Assert.Equal([2, 3, 4, 5], candidates.Select(c => c.GetProperty("clusters").GetInt32()));
        Assert.All(candidates, c =>
        {
            Assert.Equal(JsonValueKind.Null, c.GetProperty("point_silhouette").ValueKind);
            Assert.True(c.GetProperty("log_probability").GetDouble() < 0);
        });
        Assert.Equal(1, candidates.Sum(c => c.GetProperty("probability").GetDouble()), 1e-9);
    }

    [Fact]
    public void A_field_of_json_lines_and_an_own_template_can_be_named()
    {
        var path = Write("texts.jsonl", string.Concat(_texts.Select((t, i) => JsonSerializer.Serialize(new { id = i, body = t }) + "\n")));
        var template = Write("own.jinja", "{{ items | length }} texts in {{ clusters }}{% if condition %} {{ condition }}{% endif %}: {{ items | join(' | ') | upper }}");
        var output = Path.Combine(_folder.Path, "out.jsonl");
        var outcome = Icc.Run("cluster-text", path, "-k", "3", "--field", "body", "--template", template, "--model", Icc.ChatModel, "--out", output);
        Assert.Equal("", outcome.Error);
        Assert.Contains("sizes: 0: ", outcome.Output, StringComparison.Ordinal);
        var lines = File.ReadAllLines(output);
        Assert.Equal(_texts.Length, lines.Length);
        Assert.StartsWith("{\"id\":0,\"body\":\"The cat sat on the mat.\",\"cluster\":0}", lines[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no such file", null)]
    [InlineData("the file is empty", "")]
    [InlineData("line 2: found a blank text", "a\n \nb\n")]
    [InlineData("3 clusters of 2 items", "a\nb\n", "-k", "3")]
    [InlineData("0 clusters of 2 items", "a\nb", "-k", "0")]
    [InlineData("1 points; expected from 2", "a", "-k", "1")]
    [InlineData("found a NUL byte", "a\nb\0c")]
    [InlineData("line 1: found 1, expected an object", "1\n", "--field", "x")]
    [InlineData("line 1: not valid JSON", "a\n", "--field", "x")]
    [InlineData("line 2, field 'x': not there", "{\"x\":\"a\"}\n{\"y\":\"b\"}\n", "--field", "x")]
    [InlineData("line 1, field 'x': found 5, expected a string", "{\"x\":5}\n", "--field", "x")]
    [InlineData("line 1, field 'x': not valid Unicode", "{\"x\":\"\\ud800\"}\n", "--field", "x")]
    [InlineData("line 1: not valid JSON", "{\"x\":\"a\",\"x\":\"b\"}\n", "--field", "x")]
    [InlineData("noncharacters", "a\nb\ufdd1")]
    [InlineData("layer 99", "a\nb", "--layer", "99")]
    public void Bad_files_are_refused_in_one_line(string expected, string? content, params string[] options)
    {
        var path = content is null ? Path.Combine(_folder.Path, "none.txt") : Write("bad.txt", content);
        Refused(expected, path, options);
    }

    [Theory]
    [InlineData("leaves out item 2", "{{ items[0] }} {{ items[2] }}")]
    [InlineData("leaves out item 1", "{{ clusters }}")]
    [InlineData("leaves out item 3", "{{ items[0] }}{{ items[1] }}")]
    [InlineData("prints item 1 behind item 3", "{{ items | join(' ') }} {{ items[0] }}")]
    [InlineData("leaves out item 1", "{{ items | reverse | join(' ') }}")]
    [InlineData("changes item 1", "{{ items[0][1:] }} {{ items[1] }} {{ items[2] }}")]
    [InlineData("changes item 2", "{{ items[0] }} {{ items[1][:3] }} {{ items[2] }}")]
    [InlineData("own.jinja: line 2", "a\n{% for %}")]
    [InlineData("the template refuses these messages: no", "{{ raise_exception('no') }}")]
    public void Templates_that_lose_items_are_refused_in_one_line(string expected, string template) =>
        Refused(expected, Write("texts.txt", "alpha\nbeta\ngamma"), "--template", Write("own.jinja", template));

    [Theory]
    [InlineData("changes the condition", "{{ condition[:4] }} {{ items | join(' ') }}", "by topic")]
    [InlineData("changes the condition", "{{ condition[4:] }} {{ items | join(' ') }}", "by topic")]
    [InlineData("condition: found one of the noncharacters", "{{ condition }} {{ items | join(' ') }}", "by \ufdd4topic")]
    public void A_condition_is_printed_whole_or_not_at_all(string expected, string template, string condition)
    {
        var texts = Write("texts.txt", "alpha\nbeta\ngamma");
        Refused(expected, texts, "--template", Write("own.jinja", template), "--condition", condition);
        var without = Icc.Run("cluster-text", texts, "-k", "2", "--model", Icc.ChatModel, "--template", Write("no.jinja", "{{ items | join(' ') }}"), "--condition", "by topic");
        Assert.Equal("", without.Error);
    }

    [Fact]
    public void A_megabyte_in_a_line_and_too_many_items_are_refused_in_one_line()
    {
        Refused("the model holds 2048 tokens", Write("long.txt", new string('x', 500_000) + string.Concat(Enumerable.Repeat(" word", 100_000)) + "\nb"));
        Refused("the model holds 2048 tokens", Write("many.txt", string.Join('\n', Enumerable.Range(0, 5000).Select(i => $"text {i}"))));
    }

    [Theory]
    [InlineData("expected the one that holds the text", "texts.jsonl", "{\"x\":\"a\"}\n")]
    [InlineData("has a field 'cluster' already", "texts.txt", "{\"x\":\"a\"}\n{\"x\":\"a\",\"cluster\":1}\n", "--field", "x", "--out", "out.jsonl")]
    public void Fields_that_clash_or_are_missing_are_refused(string expected, string name, string content, params string[] options) =>
        Refused(expected, Write(name, content), [.. options.Select(o => o == "out.jsonl" ? Path.Combine(_folder.Path, o) : o)]);

    [Fact]
    public void A_model_is_needed_and_a_template_that_is_there()
    {
        var path = Write("texts.txt", "a\nb");
        Assert.Contains("--model", Icc.Run("cluster-text", path, "-k", "2").ErrorLine, StringComparison.Ordinal);
        Refused("none.jinja: no such file", path, "--template", Path.Combine(_folder.Path, "none.jinja"));
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, content);
        return path;
    }

    private static void Refused(string expected, string path, params string[] options)
    {
        string[] clusters = options.Contains("-k") ? [] : ["-k", "2"];
        var outcome = Icc.Run(["cluster-text", path, "--model", Icc.ChatModel, .. clusters, .. options]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Equal("", outcome.Output);
    }
}
