using System.Text;
using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Messages to text to tokens to an answer, piece by piece, for model folders that come with a tokenizer.</summary>
[Trait("Category", "Goldens")]
public class ChatGoldenTests
{
    private const string None = "(none)";

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var folder in Goldens.Folders("models").Where(f => File.Exists(Goldens.At("models", f, "tokenizer.json"))))
            {
                foreach (var device in Device.Names)
                {
                    data.Add(folder, device);
                }
            }
            if (data.Count == 0)
            {
                data.Add(None, None);
            }
            return data;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Answers_agree_with_the_reference(string folder, string device)
    {
        Skip.If(folder == None, "no model folder with a tokenizer in this set of expected values");
        using var document = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("models", folder, "cases.json")));
        using var model = IccModel.Load(Goldens.At("models", folder), device);
        var ends = document.RootElement.GetProperty("eos_token_ids").EnumerateArray().Select(i => i.GetInt32());
        Assert.Equal(ends.Order(), model.Model.Config.EosTokenIds.Order());
        var compared = 0;
        foreach (var found in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var messages = Encoding.UTF8.GetBytes(found.GetProperty("messages").GetRawText());
            var rendered = model.Chat!.RenderJson(messages, folder);
            Assert.Equal(found.GetProperty("rendered").GetString(), rendered);
            Assert.Equal(Ints(found, "prompt_ids"), model.Chat.Encode(rendered));

            var expected = found.GetProperty("stream").EnumerateArray().Select(p => p.GetString()).Where(p => !string.IsNullOrEmpty(p));
            var pieces = model.Generate(Ints(found, "prompt_ids"), Ints(found, "new_ids").Length, stopIds: []).ToArray();
            Assert.Equal(expected, pieces);

            var stop = found.GetProperty("extra_stop_id").GetInt32();
            var stopped = model.Generate(Ints(found, "prompt_ids"), Ints(found, "new_ids").Length, stopIds: [stop]);
            var ids = Ints(found, "new_ids_when_stopped");
            Assert.Equal(stop, ids[^1]);
            Assert.StartsWith(string.Concat(stopped), model.Tokenizer.Decode(ids, skipSpecialTokens: true), StringComparison.Ordinal);
            compared++;
        }
        Assert.NotEqual(0, compared);
    }

    private static int[] Ints(JsonElement element, string key) => [.. element.GetProperty(key).EnumerateArray().Select(i => i.GetInt32())];
}
