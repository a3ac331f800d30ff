using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// One score of the criteria: a sum with weights, as in a conditional logit (McFadden 1974), whose shares exp(score) are the probabilities
/// that a candidate is right. There is a set of weights for each set of criteria.
/// </summary>
/// <param name="Eigengap">Weight of <see cref="CountCandidate.Eigengap"/>.</param>
/// <param name="EmbeddingSilhouette">Weight of <see cref="CountCandidate.EmbeddingSilhouette"/>.</param>
/// <param name="PointSilhouette">Weight of <see cref="CountCandidate.PointSilhouette"/>.</param>
/// <param name="LogProbability">Weight of <see cref="CountCandidate.LogProbability"/>.</param>
/// <param name="LogNClusters">Weight of the logarithm of k, because all criteria fall with k.</param>
internal sealed record CountScore(double Eigengap, double EmbeddingSilhouette, double PointSilhouette, double LogProbability, double LogNClusters)
{
    // Likeliest weights for the embedded model on 768 generated episodes (t:c=2/3/4/5,d=1/2/3/4,n=12..50,df=1/2/5/100,count=12,seed=21), every
    // number equally often; tools/fit-counts finds them again and prints these lines.
    private static readonly CountScore OfPoints = new(2.95, 1.38, 3.15, 2.35, 1.68);
    private static readonly CountScore OfTexts = new(3.17, 4.22, 0, 1.8, 1.6);
    private static readonly CountScore OfAffinity = new(4.47, 2.58, 0, 0, -0.69);

    /// <summary>Gives candidates their scores and probabilities.</summary>
    /// <param name="candidates">All with the same criteria.</param>
    /// <exception cref="IccArgumentException">There is no candidate.</exception>
    public static IReadOnlyList<CountCandidate> Apply(IReadOnlyList<CountCandidate> candidates)
    {
        if (candidates.Count == 0)
        {
            throw new IccArgumentException("number of clusters: found no candidate, expected at least one");
        }
        var weights = candidates[0] switch
        {
            { PointSilhouette: not null } => OfPoints,
            { LogProbability: not null } => OfTexts,
            _ => OfAffinity,
        };
        double[] scores = [.. candidates.Select(weights.Of)];
        var total = scores.Sum(s => Math.Exp(s - scores.Max()));
        return [.. candidates.Select((c, i) => c with { Score = scores[i], Probability = Math.Exp(scores[i] - scores.Max()) / total })];
    }

    private double Of(CountCandidate c) => Eigengap * (c.Eigengap ?? 0) + EmbeddingSilhouette * (c.EmbeddingSilhouette ?? 0)
        + PointSilhouette * (c.PointSilhouette ?? 0) + LogProbability * (c.LogProbability ?? 0) + LogNClusters * Math.Log(c.NClusters);
}
