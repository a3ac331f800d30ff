using System.Text.Json.Nodes;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>The Unicode normalization forms, which .NET does not have in invariant globalization mode.</summary>
public class NormalizationTests
{
    [Theory]
    [InlineData("NFC", "e\u0301 d\u0323\u0307 d\u0307\u0323 \u212B", "\u00E9 \u1E0D\u0307 \u1E0D\u0307 \u00C5")]
    [InlineData("NFD", "\u00E9 \u1E0D\u0307 \uAC01", "e\u0301 d\u0323\u0307 \u1100\u1161\u11A8")]
    [InlineData("NFKC", "\uFB01 \u2460 \u00BD e\u0301", "fi 1 1\u20442 \u00E9")]
    [InlineData("NFKD", "\uFB01 \u00C5", "fi A\u030A")]
    // Excluded from composition: a script-specific letter, a singleton, a decomposition that begins with a mark.
    [InlineData("NFC", "\u0958 \u2126 \u0344", "\u0915\u093C \u03A9 \u0308\u0301")]
    public void KnownFormsAreMade(string form, string text, string expected) => Assert.Equal(expected, Normalizer(form).Normalize(text));

    [Fact]
    public void FormsOfAllCharactersAgree()
    {
        var (c, d, kc, kd) = (Normalizer("NFC"), Normalizer("NFD"), Normalizer("NFKC"), Normalizer("NFKD"));
        for (var start = 0; start < 0x30000; start += 64)
        {
            var all = string.Join('a', Enumerable.Range(start, 64).Where(p => p is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32));
            Assert.Equal(c.Normalize(all), c.Normalize(d.Normalize(all)));
            Assert.Equal(d.Normalize(all), d.Normalize(c.Normalize(all)));
            Assert.Equal(kc.Normalize(all), c.Normalize(kd.Normalize(all)));
            Assert.Equal(kd.Normalize(all), d.Normalize(kc.Normalize(all)));
            Assert.Equal(kc.Normalize(all), kc.Normalize(kc.Normalize(all)));
        }
    }

    [Fact]
    public void EveryHangulSyllableComesBack()
    {
        var (c, d) = (Normalizer("NFC"), Normalizer("NFD"));
        var all = string.Concat(Enumerable.Range(0xAC00, 11172).Select(p => (char)p));
        Assert.True(d.Normalize(all).Length > 2 * all.Length);
        Assert.Equal(all, c.Normalize(d.Normalize(all)));
    }

    private static Tokenizer Normalizer(string form)
    {
        var json = Samples.Small();
        json["normalizer"] = new JsonObject { ["type"] = form };
        return Samples.Parse(json);
    }
}
