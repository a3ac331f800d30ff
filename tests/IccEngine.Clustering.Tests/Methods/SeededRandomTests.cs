using Xunit;

namespace IccEngine.Clustering.Tests;

public class SeededRandomTests
{
    [Fact]
    public void The_sequence_is_that_of_the_published_generator()
    {
        // xoshiro256** seeded by splitmix64 from 0, as other implementations print it.
        var random = new SeededRandom(0);
        Assert.Equal([0x99EC5F36CB75F2B4, 0xBF6E1F784956452A, 0x1A5F849D4933E6E0],
            new[] { random.NextUInt64(), random.NextUInt64(), random.NextUInt64() });
    }

    [Fact]
    public void Draws_are_uniform_within_their_bounds()
    {
        var random = new SeededRandom(1);
        const int draws = 60_000;
        var counts = new int[6];
        var sum = 0.0;
        for (var i = 0; i < draws; i++)
        {
            counts[random.Next(6)]++;
            var u = random.NextDouble();
            Assert.InRange(u, 0, 1 - 1e-17);
            sum += u;
        }
        // Five standard deviations.
        Assert.All(counts, c => Assert.InRange(c, draws / 6 - 460, draws / 6 + 460));
        Assert.InRange(sum / draws, 0.5 - 0.006, 0.5 + 0.006);
        Assert.Throws<ArgumentOutOfRangeException>(() => random.Next(0));
    }
}
