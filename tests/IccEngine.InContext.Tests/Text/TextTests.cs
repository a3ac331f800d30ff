using IccEngine.Core;
using Xunit;

namespace IccEngine.InContext.Tests.Text;

public class TextTests
{
    [Fact]
    public void MoreThanNumpyPrintsIsRefused()
    {
        Assert.Equal(500, PaperPrompt.Create(new double[1000], 500, 2, 2).Points.Count);
        var error = Assert.Throws<IccArgumentException>(() => PaperPrompt.Create(new double[1002], 501, 2, 2));
        Assert.StartsWith("1002 numbers in one prompt", error.Message);
        var prompt = PaperPrompt.Create(new double[1002], 501, 2, 2, summarise: true);
        Assert.Equal([0, 1, 2, 498, 499, 500], prompt.PointIndices);
        Assert.Throws<IccArgumentException>(() => NumpyText.Answer(new int[1001]));
    }

    [Fact]
    public void ArgumentsOutOfRangeAreRefused()
    {
        Assert.Throws<IccArgumentException>(() => PaperPrompt.Create([1, 2, 3], 2, 2, 2));
        Assert.Throws<IccArgumentException>(() => PaperPrompt.Create([1, 2], 1, 2, 0));
        Assert.Throws<IccArgumentException>(() => NumpyText.Format(new double[8], [2, 2, 2]));
        Assert.Throws<IccArgumentException>(() => NumpyText.Format(new double[2], [-1, -2]));
        Assert.Throws<IccArgumentException>(() => AnswerParser.Parse("[1]", -1));
    }

    [Theory]
    // Exact ties of the binary value go to even: 1.125 and 1.375 times a power of two that is whole.
    [InlineData(1125e9, "[[1.12e+12,1.00e+00]]")]
    [InlineData(1135e9, "[[1.14e+12,1.00e+00]]")]
    [InlineData(999999e9, "[[1.e+15,1.e+00]]")]
    [InlineData(double.MaxValue / 1e3, "[[1.8e+305,1.0e+000]]")]
    public void ScientificWordsAreRoundedExactly(double value, string expected) =>
        Assert.Equal(expected, NumpyText.Format(new[] { value, 1 }, [1, 2]).Text);

    [Fact]
    public void TokensGoToThePointOfTheirFirstCharacter()
    {
        (int, int)[] points = [(4, 8), (8, 12), (14, 20)];
        // A token across a border goes to where it begins; an empty one within a span is covered by it.
        (int, int)[] offsets = [(0, 0), (0, 4), (4, 7), (7, 7), (7, 10), (10, 13), (13, 14), (14, 20), (20, 22), (22, 22)];
        Assert.Equal([new TokenSpan(2, 5), new TokenSpan(5, 6), new TokenSpan(7, 8)], TokenSpans.FromOffsets(points, offsets));
        Assert.Contains("point 1", Assert.Throws<IccArgumentException>(() => TokenSpans.FromOffsets(points, [(4, 14), (14, 20)])).Message);
        Assert.Contains("do not ascend", Assert.Throws<IccArgumentException>(
            () => TokenSpans.FromOffsets(points, [(8, 9), (4, 8), (10, 12), (14, 15)])).Message);
        Assert.Contains("point 1", Assert.Throws<IccArgumentException>(() => TokenSpans.FromOffsets([(0, 4), (3, 5)], [(0, 5)])).Message);
        Assert.Contains("point 0", Assert.Throws<IccArgumentException>(() => TokenSpans.FromOffsets([(4, 4)], [(0, 5)])).Message);
        Assert.Empty(TokenSpans.FromOffsets([], [(0, 5)]));
    }
}
