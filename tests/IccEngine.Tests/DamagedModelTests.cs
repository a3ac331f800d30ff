using System.Text;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Model folders with damage in one file: each is used, or refused with an error of ours.</summary>
public sealed class DamagedModelTests
{
    private const int Rounds = 60;

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("model.safetensors")]
    public void Damage_is_refused_or_does_not_matter(string name)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(TinyChat.Folder))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }
        var path = Path.Combine(folder.Path, name);
        var good = File.ReadAllBytes(path);
        var random = new Random(name.Length);
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            File.WriteAllBytes(path, Damage(good, random, round));
            try
            {
                using var model = IccModel.Load(folder.Path, threads: 1);
                model.Cluster(IccModelTests.Grid(5, 2), 2, new ClusterOptions { Method = ClusterMethod.Both, Permutations = 1 });
                var prompt = model.Tokenizer.Encode("Hello", addSpecialTokens: true).Ids;
                Assert.NotNull(string.Concat(model.Generate(prompt, 3)));
            }
            catch (IccException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        Assert.NotEqual(0, refused);
    }

    /// <summary>Truncated, with bytes changed, or with a number or word changed so that it still parses.</summary>
    private static byte[] Damage(byte[] good, Random random, int round)
    {
        var bytes = good.ToArray();
        switch (round % 4)
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                for (var i = 0; i < 4; i++)
                {
                    bytes[random.Next(Math.Min(bytes.Length, 4096))] = (byte)random.Next(256);
                }
                return bytes;
            case 2:
                var digits = Enumerable.Range(0, Math.Min(bytes.Length, 4096)).Where(i => char.IsAsciiDigit((char)bytes[i])).ToArray();
                foreach (var at in random.GetItems(digits, Math.Min(3, digits.Length)))
                {
                    bytes[at] = (byte)('0' + random.Next(10));
                }
                return bytes;
            default:
                var text = Encoding.Latin1.GetString(bytes);
                string[] old = ["true", "llama", "silu", "BPE", "\"merges\"", "BF16", "[", "}", ":", "\"role\"", "null", "16", "2"];
                string[] fresh = ["false", "gpt2", "gelu", "WordPiece", "\"vocab\"", "F32", "{", "]", ",", "7", "1e99", "-1", "99999999"];
                var which = random.Next(old.Length);
                var place = text.IndexOf(old[which], random.Next(Math.Min(text.Length, 2000)), StringComparison.Ordinal);
                return place < 0 ? bytes[..(bytes.Length / 2)] : Encoding.Latin1.GetBytes(text[..place] + fresh[which] + text[(place + old[which].Length)..]);
        }
    }
}
