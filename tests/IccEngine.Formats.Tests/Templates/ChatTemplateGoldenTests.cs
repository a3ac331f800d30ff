using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests.Templates;

[Trait("Category", "Goldens")]
public class ChatTemplateGoldenTests
{
    /// <summary>Folders whose cases.json has conversations: (folder below the goldens, key of the list), or one row that says why there is none.</summary>
    public static TheoryData<string, string> Folders
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (area, key) in new[] { ("tokenizers", "chats"), ("models", "cases") })
            {
                foreach (var folder in Goldens.Folders(area).Where(f => Chats(Path.Combine(area, f), key).Count > 0))
                {
                    data.Add(Path.Combine(area, folder), key);
                }
            }
            if (data.Count == 0)
            {
                data.Add("", "");
            }
            return data;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void RendersAsTheReferenceDoes(string folder, string key)
    {
        Skip.If(folder.Length == 0, $"no conversation in the goldens at {Goldens.Root}");
        var path = Goldens.At(folder);
        var config = TokenizerConfig.Load(path);
        Assert.NotNull(config.ChatTemplate);
        var template = ChatTemplate.Parse(config.ChatTemplate, folder);
        var tokens = config.SpecialTokens.ToDictionary(t => t.Key, object? (t) => t.Value);
        foreach (var chat in Chats(folder, key))
        {
            var prompt = !chat.TryGetProperty("add_generation_prompt", out var given) || given.GetBoolean();
            var messages = chat.GetProperty("messages");
            if (chat.TryGetProperty("error", out var error))
            {
                var thrown = Assert.Throws<ChatTemplateException>(() => template.Render(messages, prompt, tokens));
                Assert.Equal(error.GetString(), thrown.TemplateMessage);
                continue;
            }
            var rendered = chat.GetProperty("rendered").GetString();
            Assert.Equal(rendered, template.Render(messages, prompt, tokens));
            var plain = messages.EnumerateArray()
                .Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!)).ToList();
            Assert.Equal(rendered, template.Render(plain, prompt, tokens));
        }
    }

    private static List<JsonElement> Chats(string folder, string key)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Goldens.At(folder, "cases.json")));
        return document.RootElement.TryGetProperty(key, out var cases) && cases.ValueKind == JsonValueKind.Array
            ? [.. cases.EnumerateArray().Where(c => c.ValueKind == JsonValueKind.Object && c.TryGetProperty("messages", out _)).Select(c => c.Clone())]
            : [];
    }
}
