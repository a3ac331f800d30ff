using System.Text;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Clustering.Tests;

public sealed class EpisodeFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Given(string text) => Given(Encoding.UTF8.GetBytes(text));

    private string Given(byte[] bytes)
    {
        var path = Path.Combine(_folder.Path, $"{Guid.NewGuid():N}.jsonl");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        var made = EpisodeSpec.Parse("t:c=2..4,d=1/3,df=1/100,count=5").Generate()
            .Concat(EpisodeSpec.Parse("lognormal:count=3").Generate())
            .Select((e, i) => i % 4 == 0 ? e with { Perms = [new SeededRandom(i).Permutation(e.N)], Set = "a \"set\"" } : e).ToArray();
        var path = Path.Combine(_folder.Path, "episodes.jsonl");
        Assert.Equal(made.Length, EpisodeFile.Write(path, made));
        var read = EpisodeFile.Read(path).ToArray();
        Assert.Equal(made.Length, read.Length);
        for (var i = 0; i < made.Length; i++)
        {
            Assert.Equal(made[i].X, read[i].X);
            Assert.Equal(made[i].Y, read[i].Y);
            Assert.Equal((made[i].NClusters, made[i].D, made[i].Df, made[i].Dist, made[i].Seed, made[i].Set),
                (read[i].NClusters, read[i].D, read[i].Df, read[i].Dist, read[i].Seed, read[i].Set));
            Assert.Equal(made[i].Perms, read[i].Perms);
        }
    }

    [Fact]
    public void The_format_is_that_of_the_evaluation_sets()
    {
        const string line = """{"c":2,"d":2,"df":1.25,"seed":1000141,"x":[[3.29,8.83],[-0.5,9],[1,2]],"y":[1,0,1],"perms":[[0,1,2],[2,0,1]]}""";
        var read = Assert.Single(EpisodeFile.Read(Given("\ufeff" + line + "\r\n\n")));
        Assert.Equal([3.29, 8.83, -0.5, 9, 1, 2], read.X);
        Assert.Equal((2, 2, 3, 1.25, 1000141L), (read.NClusters, read.D, read.N, read.Df, read.Seed));
        var output = new MemoryStream();
        Assert.Equal(1, EpisodeFile.Write(output, [read]));
        Assert.Equal(line + "\n", Encoding.UTF8.GetString(output.ToArray()));
        // Other keys, nulls, and labels that are no numbers of clusters.
        var other = Assert.Single(EpisodeFile.Read(Given("""{"set":"iris","rows":[4],"c":1,"df":null,"x":[[1]],"y":[-3],"classes":{"a":[]}}""")));
        Assert.Equal(("iris", -3, null, 1), (other.Set, other.Y[0], other.Df, other.D));
    }

    [Theory]
    [InlineData("[1]", "line 1, the line: found an array of 1, expected an object")]
    [InlineData("{", "line 1: not valid JSON")]
    [InlineData("""{"c":1,"c":2}""", "line 1: not valid JSON")]
    [InlineData("""{"c":1,"x":[[1]]}""", "found no \"y\"")]
    [InlineData("""{"c":1,"x":5,"y":[0]}""", "x: found 5, expected an array of rows")]
    [InlineData("""{"c":1,"x":[],"y":[]}""", "x: found an array of 0, expected at least one row")]
    [InlineData("""{"c":1,"x":[[]],"y":[0]}""", "x: found an array of 1, expected at least one row of at least one number")]
    [InlineData("""{"c":1,"x":[[1],[1,2]],"y":[0,0]}""", "x, row 1: found an array of 2, expected 1 numbers")]
    [InlineData("""{"c":1,"x":[["1"]],"y":[0]}""", "x, row 0, column 0: found \"1\", expected a finite number")]
    [InlineData("""{"c":1,"x":[[1e999]],"y":[0]}""", "x, row 0, column 0: found 1e999")]
    [InlineData("""{"c":1,"x":[[1e200]],"y":[0]}""", "x, row 0, column 0: found 1e200, expected a number of magnitude 1e140 or less")]
    [InlineData("""{"c":2,"x":[[1]],"y":[0]}""", "c: found 2, expected between 1 and the 1 points")]
    [InlineData("""{"c":1.5,"x":[[1]],"y":[0]}""", "c: found 1.5, expected a whole number")]
    [InlineData("""{"c":1,"d":2,"x":[[1]],"y":[0]}""", "d: found 2, expected 1")]
    [InlineData("""{"c":1,"x":[[1]],"y":[0,1]}""", "y: found an array of 2, expected an array of 1")]
    [InlineData("""{"c":1,"x":[[1]],"y":[0.5]}""", "y, value 0: found 0.5")]
    [InlineData("""{"c":1,"x":[[1]],"y":[0],"seed":"1"}""", "seed: found \"1\"")]
    [InlineData("""{"c":1,"x":[[1],[2]],"y":[0,0],"perms":[[0,0]]}""", "perms, list 0: found 0, expected each of 0 .. 1 once")]
    [InlineData("""{"c":1,"x":[[1]],"y":[0],"dist":"\ud800"}""", "dist: not valid Unicode")]
    [InlineData("""[[[[[[[[[[[[""", "line 1: not valid JSON")]
    public void Wrong_lines_are_refused_with_their_place(string line, string part)
    {
        var path = Given(line);
        var message = Assert.Throws<IccFormatException>(() => EpisodeFile.Read(path).ToArray()).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(part, message);
        Assert.DoesNotContain('\n', message);
        var second = Given("""{"c":1,"x":[[1]],"y":[0]}""" + "\n" + line);
        Assert.Contains("line 2", Assert.Throws<IccFormatException>(() => EpisodeFile.Read(second).ToArray()).Message);
    }

    [Fact]
    public void Files_that_are_no_text_are_refused()
    {
        void Refused(string part, string path) => Assert.Contains(part, Assert.Throws<IccFormatException>(() => EpisodeFile.Read(path).ToArray()).Message);
        Refused("no such file", Path.Combine(_folder.Path, "none.jsonl"));
        Refused("cannot be read", _folder.Path);
        Refused("not valid UTF-8", Given([0x7b, 0xff, 0xfe]));
        Refused("line 1: not valid JSON", Given([0, 0, 0]));
        Assert.Empty(EpisodeFile.Read(Given("")));
        Assert.Equal(["ab", "c"], EpisodeLines.Read(Given("ab\nc"), 2));
        Assert.Contains("line 2: found more than 2 characters",
            Assert.Throws<IccFormatException>(() => EpisodeLines.Read(Given("ab\nabc"), 2).ToArray()).Message);
    }

    [Fact]
    public void Reading_takes_one_line_at_a_time()
    {
        var path = Given("""{"c":1,"x":[[1]],"y":[0]}""" + "\nnot json\n");
        Assert.Equal(1, EpisodeFile.Read(path).First().N);
    }
}
