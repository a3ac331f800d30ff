using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests.Templates;

/// <summary>Small templates against what Jinja2 itself made of them (tests/data/templates, written by make_cases.py).</summary>
public class JinjaCaseTests
{
    private static readonly string CaseFile = Path.Combine(Goldens.Repository, "tests", "data", "templates", "cases.json");

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Read().Count)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void RendersAsJinjaDoes(int index)
    {
        var @case = Read()[index];
        var template = @case.GetProperty("template").GetString()!;
        string Render()
        {
            var variables = @case.GetProperty("variables");
            return ChatTemplate.Parse(template, "case").Render(
                variables.GetProperty("messages"),
                variables.GetProperty("add_generation_prompt").GetBoolean(),
                variables.EnumerateObject().ToDictionary(v => v.Name, v => (object?)v.Value),
                () => new DateTime(2024, 7, 4, 15, 5, 9, DateTimeKind.Local));
        }
        if (@case.TryGetProperty("rendered", out var rendered))
        {
            Assert.Equal(rendered.GetString(), Render());
        }
        else if (@case.TryGetProperty("raised", out var raised))
        {
            Assert.Equal(raised.GetString(), Assert.Throws<ChatTemplateException>(Render).TemplateMessage);
        }
        else
        {
            var error = Record.Exception(() => Render());
            Assert.True(error is IccFormatException or IccUnsupportedException, $"{template}: {error}");
            Assert.StartsWith("case: line ", error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    internal static List<JsonElement> Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(CaseFile));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.Clone())];
    }
}
