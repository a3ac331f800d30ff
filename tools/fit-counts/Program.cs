using System.Globalization;
using IccEngine;
using IccEngine.Clustering;
using IccEngine.FitCounts;
using IccEngine.InContext;

// Finds the weights of CountScore: runs the embedded model on generated episodes, with every number of clusters it was trained on, and
// prints the lines of CountScore.cs. Usage: dotnet run -c Release --project tools/fit-counts [SPEC]
const int Least = 2;
const int Most = 5;
const int MostOfAffinity = 10;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var spec = EpisodeSpec.Parse(args.Length > 0 ? args[0] : "t:c=2/3/4/5,d=1/2/3/4,df=1/2/5/100,n=12..50,count=12,seed=21");
using var model = IccModel.LoadEmbedded();
using var backend = Device.Open("cpu");
var (byModel, byAffinity) = (new List<(double[][], int)>(), new List<(double[][], int)>());
foreach (var episode in spec.Generate())
{
    var points = new PointSet(episode.X, episode.N, episode.D);
    var options = new ClusterOptions { MinClusters = Least, MaxClusters = Most };
    var candidates = model.Cluster(points, null, options).Candidates;
    byModel.Add(([.. candidates.Select(c =>
        new[] { c.Eigengap!.Value, c.EmbeddingSilhouette!.Value, c.PointSilhouette!.Value, c.LogProbability!.Value, Math.Log(c.NClusters) })], episode.NClusters - Least));
    // Who has an affinity only need not know the number that its prompt stated.
    var stated = Least + byModel.Count % (Most - Least + 1);
    var affinity = model.Cluster(points, stated, new ClusterOptions { ReturnAffinity = true }).Results[0].Affinity!;
    var embedding = SpectralEmbedding.Fit(backend, affinity, episode.N, MostOfAffinity + 1);
    byAffinity.Add(([.. SpectralCount.Of(backend, embedding, Least, MostOfAffinity).Select(c =>
        new[] { c.Eigengap, c.Silhouette, Math.Log(c.NClusters) })], episode.NClusters - Least));
    Console.Error.Write($"\r{byModel.Count} of {spec.Count} episodes");
}
Console.Error.WriteLine();
Console.WriteLine($"// {spec}");
Print("OfPoints", byModel, [0, 1, 2, 3, 4]);
Print("OfTexts", byModel, [0, 1, 3, 4]);
Print("OfAffinity", byAffinity, [0, 1, 2]);

static void Print(string name, IReadOnlyList<(double[][] Candidates, int Right)> all, int[] columns)
{
    (double[][] Candidates, int Right)[] episodes =
        [.. all.Select(e => (Array.ConvertAll(e.Candidates, c => columns.Select(j => c[j]).ToArray()), e.Right))];
    var weights = ConditionalLogit.Fit(episodes);
    // In the order of CountScore: a criterion that is not there has the weight 0.
    double Of(int criterion) => columns.Length == 3
        ? criterion is 0 or 1 ? weights[criterion] : criterion == 4 ? weights[2] : 0
        : Array.IndexOf(columns, criterion) is var at and >= 0 ? weights[at] : 0;
    Console.WriteLine($"private static readonly CountScore {name} = new({string.Join(", ", Enumerable.Range(0, 5).Select(j => Of(j).ToString("0.##")))});");
    Console.WriteLine($"// right: {Share(episodes, c => c.Zip(weights, (v, w) => v * w).Sum()):0.0 %}; eigengap alone {Share(episodes, c => c[0]):0.0 %}, silhouette of the embedding alone {Share(episodes, c => c[1]):0.0 %}");
}

static double Share((double[][] Candidates, int Right)[] episodes, Func<double[], double> score) =>
    episodes.Average(e => Array.IndexOf(e.Candidates, e.Candidates.MaxBy(score)) == e.Right ? 1.0 : 0);
