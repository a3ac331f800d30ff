using System.Text.Json;
using IccEngine.Core;
using Xunit;

namespace IccEngine.Formats.Tests.Templates;

public class ChatTemplateLimitTests
{
    private static readonly TemplateLimits Small = new() { Steps = 20_000, Output = 2_000, Value = 5_000, Range = 1_000 };

    private static string Render(string template, TemplateLimits? limits = null) =>
        ChatTemplate.Parse(template, "t.jinja", limits ?? Small).Render([new ChatMessage("user", "hi")], addGenerationPrompt: true);

    [Theory]
    [InlineData("{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}", "line 1: the template takes more than 20000 steps")]
    [InlineData("\n{% for i in range(900) %}abcd{% endfor %}", "line 2: the template writes more than 2000 characters")]
    [InlineData("\n\n{{ range(1001) }}", "line 3: range() of 1001 numbers is longer than the limit of 1000")]
    [InlineData("{{ range(-9223372036854775807, 9223372036854775807, 1) }}", "is longer than the limit of 1000")]
    [InlineData("{{ 'ab' * 9000000000000 }}", "is longer than the limit of 5000")]
    [InlineData("{{ [1] * 9000000000000 }}", "is longer than the limit of 5000")]
    [InlineData("{% set n = namespace(s='aaaaaaaa') %}{% for i in range(50) %}{% set n.s = n.s + n.s %}{% endfor %}", "is longer than the limit of 5000")]
    [InlineData("{% set n = namespace(s='aaaaaaaa') %}{% for i in range(50) %}{% set n.s = n.s ~ n.s %}{% endfor %}", "more than 2000 characters")]
    [InlineData("{% set n = namespace(s='aaaaaaaa') %}{% for i in range(50) %}{% set n.s = n.s | replace('', 'bb') %}{% endfor %}", "is longer than the limit of 5000")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(50) %}{% set n.l = n.l + n.l %}{% endfor %}", "is longer than the limit of 5000")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(900) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}", "nested deeper than 64 levels")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(900) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l | tojson }}", "nested deeper than 64 levels")]
    [InlineData("{% set n = namespace(l=[1], m=[1]) %}{% for i in range(40) %}{% set n.l = [n.l, n.l] %}{% set n.m = [n.m, n.m] %}{% endfor %}{{ n.l == n.m }}", "more than 20000 steps")]
    [InlineData("{% set n = namespace(l=[]) %}{% for i in range(40) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}", "more than 2000 characters")]
    [InlineData("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "nested deeper than 64 levels")]
    [InlineData("{{ 'a'.ljust(100000) }}", "is longer than the limit of 5000")]
    [InlineData("{{ ['a'] | tojson(indent=900) ~ ['a'] | tojson(indent=900) ~ [[['a']]] | tojson(indent=900) }}", "more than 2000 characters")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "does not fit 64 bits")]
    [InlineData("{{ 7 ** 77 }}", "does not fit 64 bits")]
    [InlineData("{{ (0 - 9223372036854775807 - 1) // -1 }}", "does not fit 64 bits")]
    public void LimitsAreErrors(string template, string expected)
    {
        var message = Assert.Throws<IccFormatException>(() => Render(template)).Message;
        Assert.StartsWith("t.jinja: line ", message);
        Assert.Contains(expected, message);
    }

    [Fact]
    public void NestedSourceIsRefused()
    {
        foreach (var (open, close) in new[] { ("(", ")"), ("[", "]"), ("{1:", "}"), ("-", ""), ("not ", ""), ("f(", ")"), ("x[", "]"), ("1 if 1 else ", "") })
        {
            var deep = string.Concat(Enumerable.Repeat(open, 5000)) + "1" + string.Concat(Enumerable.Repeat(close, 5000));
            Assert.Contains("deeper than 200 levels", Assert.Throws<IccFormatException>(() => Render("{{ " + deep + " }}")).Message);
        }
        foreach (var link in new[] { "+1", "-1", "*1", "**1", " and 1", " or 1", "|abs", ".a", "[0]", "()", " is odd", " if 1" })
        {
            Assert.Contains("chain of more than 200", Assert.Throws<IccFormatException>(() => Render("{{ x" + string.Concat(Enumerable.Repeat(link, 5000)) + " }}")).Message);
        }
        var blocks = string.Concat(Enumerable.Repeat("{% if 1 %}", 5000)) + string.Concat(Enumerable.Repeat("{% endif %}", 5000));
        Assert.Contains("deeper than 200 levels", Assert.Throws<IccFormatException>(() => Render(blocks)).Message);
    }

    [Fact]
    public void AsDeepAsAllowedRendersOnASmallStack()
    {
        var sums = "1" + string.Concat(Enumerable.Repeat("+1", 190));
        var expression = string.Concat(Enumerable.Repeat("(" + sums + "+", 90)) + "1" + string.Concat(Enumerable.Repeat(")", 90));
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(() => Render("{% macro f(n) %}{{ f(n) if n else '' }}{{ " + expression + " }}{% endmacro %}{{ f(1) }}", TemplateLimits.Default)), 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.IsType<IccFormatException>(error);
    }

    [Fact]
    public void LongSourceIsRefused() => Assert.Contains(
        "longer than the limit of 1000000", Assert.Throws<IccFormatException>(() => Render(new string(' ', 1_000_001))).Message);

    [Theory]
    [InlineData("a\n{% include 'x' %}", "t.jinja: line 2: the tag 'include' is not supported")]
    [InlineData("{% call f() %}{% endcall %}", "line 1: the tag 'call'")]
    [InlineData("{{ x | xmlattr }}", "line 1: the filter 'xmlattr'")]
    [InlineData("\n{{ x is escaped }}", "line 2: the test 'escaped'")]
    [InlineData("{{ '{}'.format(1) }}", "line 1: str.format")]
    [InlineData("{{ '%s' % 1 }}", "line 1: formatting a text with '%'")]
    [InlineData("{% for i in messages recursive %}{% endfor %}", "line 1: a recursive loop")]
    [InlineData("{{ f(*x) }}", "line 1: unpacking arguments with '*'")]
    [InlineData("{{ [1].append(2) }}", "line 1: list.append")]
    [InlineData("{{ cycler(1) }}", "line 1: the function 'cycler'")]
    [InlineData("{{ '\\N{DASH}' }}", "characters by name")]
    [InlineData("{{ strftime_now('%Q') }}", "the code '%Q'")]
    public void WhatIsNotSupportedIsNamed(string template, string expected) =>
        Assert.Contains(expected, Assert.Throws<IccUnsupportedException>(() => Render(template)).Message);

    [Fact]
    public void VariablesOfOtherTypesAreRefused()
    {
        var template = ChatTemplate.Parse("{{ x }}", "t");
        Assert.Contains("'x'", Assert.Throws<IccArgumentException>(
            () => template.Render([], true, new Dictionary<string, object?> { ["x"] = new Uri("http://a") })).Message);
        using var broken = JsonDocument.Parse("""[{"role":"\ud800"}]""");
        Assert.Throws<IccArgumentException>(() => template.Render(broken.RootElement, true));
        using var wrong = JsonDocument.Parse("{}");
        Assert.Contains("found object", Assert.Throws<IccArgumentException>(() => template.Render(wrong.RootElement, true)).Message);
        Assert.Equal("2.5", template.Render([], true, new Dictionary<string, object?> { ["x"] = 2.5f }));
        Assert.Equal("{'a': [1]}", template.Render([], true, new Dictionary<string, object?> { ["x"] = System.Text.Json.Nodes.JsonNode.Parse("""{"a":[1]}""") }));
    }

    [Fact]
    public void MutatedTemplatesRenderOrAreRefused()
    {
        var random = new Random(20260);
        var sources = JinjaCaseTests.Read().Select(c => c.GetProperty("template").GetString()!).Distinct().ToArray();
        var variables = JinjaCaseTests.Read()[0].GetProperty("variables").EnumerateObject().ToDictionary(v => v.Name, v => (object?)v.Value.Clone());
        string[] pieces = ["{%", "%}", "{{", "}}", "{#", "#}", "-", "+", "|", "(", ")", "[", "]", "'", "for ", "endfor", "if ", "else", "set ", "in ", "\n", "9", ".", "~", "**", " raw "];
        var outcomes = new Dictionary<string, int>();
        for (var i = 0; i < 4000; i++)
        {
            var text = sources[random.Next(sources.Length)];
            for (var edits = random.Next(1, 5); edits > 0 && text.Length > 0; edits--)
            {
                var at = random.Next(text.Length);
                var length = Math.Min(random.Next(1, 12), text.Length - at);
                var other = sources[random.Next(sources.Length)];
                text = random.Next(4) switch
                {
                    0 => text.Remove(at, length),
                    1 => text.Insert(at, pieces[random.Next(pieces.Length)]),
                    2 => text.Insert(at, text.Substring(at, length)),
                    _ => text[..at] + other[random.Next(other.Length)..],
                };
            }
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var error = Record.Exception(() => ChatTemplate.Parse(text, "fuzz").Render([new ChatMessage("user", "hi")], true, variables));
            Assert.True(error is null or IccException, $"{text}\n{error}");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}: {text}");
            var outcome = error?.GetType().Name ?? "rendered";
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }
        Assert.True(outcomes.GetValueOrDefault("rendered") > 100 && outcomes.GetValueOrDefault(nameof(IccFormatException)) > 100, string.Join(", ", outcomes));
    }
}
