using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class EpisodeSpecTests
{
    [Fact]
    public void Cells_are_all_combinations_and_episodes_come_by_cell()
    {
        var spec = EpisodeSpec.Parse("t:df=1/2.5,c=2/3..4,d=1,n=20..30,count=3,seed=-7");
        Assert.Equal("t:c=2/3..4,d=1,n=20..30,df=1/2.5,count=3,seed=-7", spec.Text);
        Assert.Equal(spec.Text, EpisodeSpec.Parse(spec.Text).Text);
        Assert.Equal([(2, 2, 1.0), (2, 2, 2.5), (3, 4, 1.0), (3, 4, 2.5)], spec.Cells.Select(c => (c.NClusters.From, c.NClusters.To, c.Df!.Value)));
        Assert.Equal(12, spec.Count);
        var episodes = spec.Generate().ToArray();
        Assert.Equal(12, episodes.Length);
        Assert.All(episodes.Index(), e =>
        {
            var cell = spec.Cells[e.Index / 3];
            Check(e.Item, cell);
            Assert.Equal(spec.SeedOf(e.Index / 3, e.Index % 3), e.Item.Seed);
            var again = cell.Create(e.Item.Seed!.Value);
            Assert.Equal(again.X, e.Item.X);
            Assert.Equal(again.Y, e.Item.Y);
            Assert.InRange(e.Item.Seed!.Value, 0, (1L << 53) - 1);
        });
        Assert.Equal(12, episodes.Select(e => e.Seed).Distinct().Count());
        Assert.NotEqual(episodes[0].X, EpisodeSpec.Parse("t:df=1,c=2,d=1,n=20..30,count=1,seed=-6").Generate().Single().X);
    }

    [Fact]
    public void The_default_is_the_papers_and_n_follows_c()
    {
        var spec = EpisodeSpec.Parse("t");
        Assert.Equal("t:c=3,d=3,n=10..50,df=2,count=100,seed=0", spec.Text);
        Assert.Equal("normal:c=60,d=3,n=60..60,count=100,seed=0", EpisodeSpec.Parse("normal:c=60").Text);
        Assert.Equal("moons:c=3,d=2,n=10..50,count=100,seed=0", EpisodeSpec.Parse(" moons : ").Text);
    }

    [Theory]
    [InlineData("t")]
    [InlineData("lognormal")]
    [InlineData("normal")]
    [InlineData("anisotropic")]
    [InlineData("imbalanced")]
    [InlineData("density")]
    [InlineData("rings")]
    [InlineData("moons")]
    public void Every_kind_makes_episodes_of_its_sizes(string kind)
    {
        var spec = EpisodeSpec.Parse($"{kind}:c=1/2..7,d=2..5,n=7..40,count=40");
        foreach (var (index, episode) in spec.Generate().Index())
        {
            Check(episode, spec.Cells[index / 40]);
            Assert.Equal(kind == "t" ? null : kind, episode.Dist);
        }
    }

    [Fact]
    public void Generation_streams()
    {
        var first = EpisodeSpec.Parse("normal:count=1000000000000").Generate().Skip(2).First();
        Assert.InRange(first.N, 10, 50);
    }

    [Fact]
    public void Kinds_are_as_hard_as_they_are_meant_to_be()
    {
        Near.Equal(1, Of("normal:c=2,d=1,n=4000,count=1").X.Length / 4000.0, 0, 0, "one column");
        var density = EpisodeSpec.Parse("density:c=6,d=2,n=1200,count=5").Generate().Select(Deviations).ToArray();
        Assert.All(density, d => Assert.InRange(d.Max() / d.Min(), 1.5, 40));
        var imbalanced = Of("imbalanced:c=3,d=2,n=1000,count=1").Y.CountBy(l => l).OrderBy(l => l.Key).Select(l => l.Value).ToArray();
        Near.Equal([762, 190, 48], [.. imbalanced.Select(v => (double)v)], 3, 0, "sizes");
        // k-means cannot separate rings and moons; single linkage can where there are enough points.
        foreach (var spec in (string[])["rings:c=2,d=3,n=1500,count=1,seed=1", "moons:c=2,d=2,n=1000,count=1,seed=2"])
        {
            var shape = Of(spec);
            var single = new AgglomerativeClustering { NClusters = 2, Linkage = Linkage.Single }.Fit(shape.X, shape.N, shape.D).Labels;
            using var backend = new CpuBackend(1);
            var kmeans = new KMeans { NClusters = 2 }.Fit(backend, shape.X, shape.N, shape.D).Labels;
            Assert.True(Metrics.AdjustedRandIndex(shape.Y, kmeans) < 0.6, $"{spec}: k-means solves it");
            Assert.True(Metrics.AdjustedRandIndex(shape.Y, Merged(shape, single)) > 0.95, $"{spec}: the shapes are not connected");
        }
    }

    [Theory]
    [InlineData("", "data, kind: found '', expected t, lognormal")]
    [InlineData("x:c=2", "data, kind: found 'x'")]
    [InlineData("t:c", "data 't', part: found 'c', expected key=value")]
    [InlineData("t:c=2,c=3", "data 't', part: found 'c=3', expected key=value, each key once")]
    [InlineData("t:k=2", "data 't', key: found 'k', expected c, d, n, df, count, seed")]
    [InlineData("normal:df=2", "data 'normal', key: found 'df', expected c, d, n, count, seed")]
    [InlineData("t:c=0", "data 't', c: found '0', expected a whole number or a range")]
    [InlineData("t:c=3..2", "data 't', c: found '3..2'")]
    [InlineData("t:c=2..3..4", "data 't', c: found '2..3..4'")]
    [InlineData("t:c=-1", "data 't', c: found '-1'")]
    [InlineData("t:n=2", "data 't', n: found '2', expected a whole number or a range such as 3..23, between 3")]
    [InlineData("t:n=1000000,d=2", "data 't', n x d: found '1000000 x 2', expected at most 1000000 values")]
    [InlineData("t:df=0", "data 't', df: found '0'")]
    [InlineData("t:df=nan", "data 't', df: found 'nan'")]
    [InlineData("t:df=1/", "data 't', df: found ''")]
    [InlineData("t:count=0", "data 't', count: found '0'")]
    [InlineData("t:seed=99999999999999999999", "data 't', seed: found '99999999999999999999'")]
    [InlineData("rings:d=1", "data 'rings', d: found '1', expected a whole number or a range such as 2..22, between 2")]
    public void Wrong_specs_are_refused_in_one_line(string text, string part)
    {
        var message = Assert.Throws<IccArgumentException>(() => EpisodeSpec.Parse(text)).Message;
        Assert.Contains(part, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Endless_specs_are_refused()
    {
        var many = string.Join('/', Enumerable.Repeat("2", 200));
        Assert.Contains("at most 10000", Assert.Throws<IccArgumentException>(() => EpisodeSpec.Parse($"t:c={many},d={many}")).Message);
        Assert.True(Assert.Throws<IccArgumentException>(() => EpisodeSpec.Parse(new string('x', 1_000_000))).Message.Length < 300);
    }

    private static Episode Of(string spec) => EpisodeSpec.Parse(spec).Generate().First();

    private static double[] Deviations(Episode e) =>
        [.. Enumerable.Range(0, e.NClusters).Select(c =>
        {
            var own = Enumerable.Range(0, e.N).Where(i => e.Y[i] == c).ToArray();
            return own.Length < 10 ? 1 : Math.Sqrt(own.Average(i => Math.Pow(e.X[i * e.D] - e.Centers![c * e.D], 2)));
        })];

    /// <summary>Single linkage with far more clusters than shapes would be a matter of noise; each of two clusters takes its majority.</summary>
    private static int[] Merged(Episode e, int[] labels) => labels.Distinct().Count() == 2 && labels.CountBy(l => l).Min(c => c.Value) > e.N / 10 ? labels : new int[e.N];

    private static void Check(Episode e, EpisodeCell cell)
    {
        Assert.InRange(e.NClusters, cell.NClusters.From, cell.NClusters.To);
        Assert.InRange(e.D, cell.D.From, cell.D.To);
        Assert.InRange(e.N, cell.N.From, cell.N.To);
        Assert.Equal(e.N * e.D, e.X.Length);
        Assert.Equal(Enumerable.Range(0, e.NClusters), e.Y.Distinct().Order());
        Assert.All(e.X, v => Assert.Equal(Math.Round(100 * v) / 100, v));
    }
}
