using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Choosing tokens and nearest centres. Used by one thread at a time; arguments are checked before.</summary>
internal sealed unsafe class CudaSampling(CudaContext context, Kernels kernels) : IDisposable
{
    private const int Threads = 256; // sample.cu
    private readonly IntegerTable _ids = new(context);
    private readonly IntegerTable _ends = new(context);
    private readonly Scratch _uniforms = new(context, DType.F64);
    private readonly Scratch _results = new(context, DType.F64);
    private readonly Scratch _labels = new(context, DType.I32);
    private Choice[] _choices = [];
    private double[] _differences = [];

    public void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities)
    {
        var (rows, vocabulary) = (logits.Shape[0], logits.Shape[1]);
        var (x, ids, count, ends) = (Owned.Address(logits, context), Ids(allowed), allowed.Ids.Length, Ends(allowed));
        var (temperature, topK, topP, minP) = options;
        ulong numbers = 0;
        if (!options.IsGreedy)
        {
            numbers = _uniforms.Take(rows);
            fixed (double* from = uniforms)
            {
                context.UploadAhead(from, numbers, (long)rows * sizeof(double)); // whoever read them was waited for
            }
        }
        var wantsSum = logProbabilities.IsEmpty ? 0 : 1;
        var results = _results.Take(3L * rows);
        var parameters = stackalloc void*[]
        {
            &x, &vocabulary, &ids, &count, &ends, &temperature, &topK, &topP, &minP, &numbers, &wantsSum, &results,
        };
        context.Launch(kernels.Sample, rows, 1, 1, Threads, parameters);
        _choices = _choices.Length < rows ? new Choice[rows] : _choices;
        fixed (Choice* to = _choices)
        {
            context.Download(results, to, (long)rows * sizeof(Choice));
        }
        for (var row = 0; row < rows; row++)
        {
            ref readonly var choice = ref _choices[row];
            chosen[row] = (int)choice.Id;
            if (wantsSum != 0)
            {
                logProbabilities[row] = TokenWeights.LogProbability(choice.Difference, 0, choice.Sum);
            }
        }
    }

    public void LogProbabilities(Tensor logits, AllowedIds asked, bool amongIds, int total, Span<double> logProbabilities)
    {
        var (rows, vocabulary) = (logits.Shape[0], logits.Shape[1]);
        var (x, ids, count, ends, among) = (Owned.Address(logits, context), Ids(asked), asked.Ids.Length, Ends(asked), amongIds ? 1 : 0);
        var differences = _results.Take((long)total + rows);
        var sums = differences + (ulong)total * sizeof(double);
        var parameters = stackalloc void*[] { &x, &vocabulary, &ids, &count, &ends, &among, &differences, &sums };
        context.Launch(kernels.LogProbabilities, rows, 1, 1, Threads, parameters);
        _differences = _differences.Length < total + rows ? new double[total + rows] : _differences;
        fixed (double* to = _differences)
        {
            context.Download(differences, to, ((long)total + rows) * sizeof(double));
        }
        var next = 0;
        for (var row = 0; row < rows; row++)
        {
            var sum = BitConverter.DoubleToUInt64Bits(_differences[total + row]);
            for (var end = asked.Ends.IsEmpty ? next + count : asked.Ends[row]; next < end; next++)
            {
                logProbabilities[next] = TokenWeights.LogProbability(_differences[next], 0, sum);
            }
        }
    }

    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        var (n, k, d) = (points.Shape[0], centres.Shape[0], points.Shape[1]);
        var (x, c) = (Owned.AnyAddress(points, context), Owned.AnyAddress(centres, context));
        var (nearest, distances) = (_labels.Take(n), _results.Take(n));
        var parameters = stackalloc void*[] { &x, &c, &n, &k, &d, &nearest, &distances };
        context.Launch(kernels.NearestCentre.For(points.DType), ((long)n + Threads - 1) / Threads, 1, 1, Threads, parameters);
        fixed (int* to = labels)
        {
            context.Download(nearest, to, (long)n * sizeof(int));
        }
        fixed (double* to = squared)
        {
            context.Download(distances, to, (long)n * sizeof(double));
        }
    }

    public void Dispose()
    {
        _ids.Dispose();
        _ends.Dispose();
        _uniforms.Dispose();
        _results.Dispose();
        _labels.Dispose();
    }

    private ulong Ids(AllowedIds allowed) => allowed.Ids.IsEmpty ? 0 : _ids.Put(allowed.Ids);

    private ulong Ends(AllowedIds allowed) => allowed.Ends.IsEmpty ? 0 : _ends.Put(allowed.Ends);

    /// <summary>As in sample.cu.</summary>
    private readonly record struct Choice(long Id, double Difference, ulong Sum);
}
