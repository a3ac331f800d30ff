using Xunit;

namespace IccEngine.InContext.Tests;

/// <summary>Orders and subsets, seen through what a plan promises.</summary>
public class SubsetPlanTests
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(7, 3)]
    [InlineData(20, 8)]
    public void Few_points_are_shown_together_in_several_orders(int points, int permutations)
    {
        var plan = SubsetPlan.Make(points, new Limits(20, 15), permutations, seed: 4);
        Assert.Equal(permutations, plan.Count);
        Assert.Equal(Enumerable.Range(0, points), plan[0]);
        Assert.All(plan, order => Assert.Equal(Enumerable.Range(0, points), order.Order()));
        Assert.True(permutations == 1 || points == 2 || plan.Select(o => string.Join(',', o)).Distinct().Count() > 1);
    }

    [Theory]
    [InlineData(21, 4)]
    [InlineData(50, 8)]
    [InlineData(130, 8)]
    public void Many_points_are_shown_in_subsets_in_which_pairs_meet_often_enough(int points, int permutations)
    {
        var plan = SubsetPlan.Make(points, new Limits(20, 15), permutations, seed: 4);
        var meetings = new int[points, points];
        foreach (var subset in plan)
        {
            Assert.Equal(15, subset.Distinct().Count());
            foreach (var i in subset)
            {
                foreach (var j in subset)
                {
                    meetings[i, j]++;
                }
            }
        }
        var pairs = meetings.Cast<int>().Sum() - Enumerable.Range(0, points).Sum(i => meetings[i, i]);
        var mean = pairs / (double)(points * (points - 1));
        Assert.InRange(mean, 0.85 * permutations, 1.6 * permutations); // 15 * 14 pairs of 15^2 are counted on, and runs are rounded up
        Assert.All(Enumerable.Range(0, points), i => Assert.True(meetings[i, i] > 0));
    }

    [Fact]
    public void Equal_seeds_give_equal_plans()
    {
        static string Text(long seed) => string.Join(';', SubsetPlan.Make(40, new Limits(20, 15), 3, seed).Select(o => string.Join(',', o)));
        Assert.Equal(Text(9), Text(9));
        Assert.NotEqual(Text(9), Text(10));
    }

    private sealed record Limits(int? MaxPoints, int SubsetPoints) : IPromptFormat
    {
        public int? MaxFeatures => null;

        public int? MaxClusters => null;

        public int DefaultLayer(int layers) => 0;

        public IPromptFormat Fitted(PointSet points) => this;

        public IEnumerable<string> Remarks(PointSet points, int clusters) => [];

        public EncodedPrompt Encode(PointSet points, int clusters) => throw new InvalidOperationException("a plan encodes nothing");

        public AnswerTemplate Answer(PointSet points, int clusters) => throw new InvalidOperationException("a plan asks for nothing");
    }
}
