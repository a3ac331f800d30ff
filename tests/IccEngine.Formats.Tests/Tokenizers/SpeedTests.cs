using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

[CollectionDefinition("alone", DisableParallelization = true)]
public class AloneCollection;

/// <summary>
/// A megabyte that is one piece, or many, takes at most 2 s. Counted in processor time of this process, and the best of
/// three runs, so that other work on the machine does not decide.
/// </summary>
[Collection("alone")]
public class SpeedTests
{
    private const int Megabyte = 1 << 20;

    [Theory]
    [MemberData(nameof(Samples.Files), MemberType = typeof(Samples))]
    public void AMegabyteTakesTwoSecondsAtMost(string file)
    {
        var tokenizer = Tokenizer.Load(file);
        (string Name, string Text)[] texts =
        [
            ("spaces", new string(' ', Megabyte)),
            ("spaces and a letter", new string(' ', Megabyte) + "x"),
            ("line breaks", new string('\n', Megabyte)),
            ("points", Repeat("[ -1.5 2.0 ]\n")),
            ("combining marks", Repeat("\u0323\u0307")),
            .. "aelt".Select(letter => ($"letter {letter}", new string(letter, Megabyte))),
        ];
        foreach (var (name, text) in texts)
        {
            var best = double.MaxValue;
            for (var run = 0; run < 3 && best > 2; run++)
            {
                var before = Environment.CpuUsage.TotalTime;
                var ids = tokenizer.Encode(text, true).Ids;
                best = Math.Min(best, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
                Assert.NotEmpty(ids);
            }
            Assert.True(best <= 2, $"{name}: {best:F1} s");
        }
    }

    private static string Repeat(string text) => string.Concat(Enumerable.Repeat(text, Megabyte / text.Length));
}
