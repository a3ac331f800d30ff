using System.Text.Json;
using IccEngine.InContext;

namespace IccEngine.Cli;

/// <summary>Prints an evaluation as one JSON object.</summary>
internal static class EvalJson
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static void Write(EvaluationResult result, TextWriter output)
    {
        var paper = result.Paper;
        output.WriteLine(JsonSerializer.Serialize(
            new
            {
                result.Setting.Data,
                result.Setting.Model,
                result.Setting.Adapter,
                result.Setting.Permutations,
                result.Setting.Device,
                result.Setting.Seed,
                result.Setting.RawConfidence,
                result.Setting.Clusters,
                Methods = result.Methods.Select(method => new
                {
                    method.Method,
                    Cells = method.Cells.Select(cell => With(cell.Cell, cell.Score)),
                    method.Overall,
                    method.Difference,
                    method.Failure,
                    method.Reliability,
                    method.Calibration,
                }),
                Paper = paper is null ? null : new
                {
                    Table = paper.Name,
                    paper.Title,
                    Columns = paper.Columns.Select(c => c.Name),
                    Rows = result.Methods.Select(paper.RowOf),
                    PaperRows = paper.Rows,
                },
            },
            Options));
    }

    private static object With(EvaluationCell cell, Score score) => new
    {
        cell.Set,
        cell.Dist,
        cell.C,
        cell.D,
        cell.Df,
        score.Episodes,
        score.Accuracy,
        score.StandardError,
        score.Ari,
        score.Nmi,
        score.OrderDeviation,
        score.RightClusters,
        score.Unparsed,
        score.Failed,
        score.Seconds,
        score.Tokens,
        score.TokensPerSecond,
    };
}
