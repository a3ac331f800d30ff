using System.Runtime.InteropServices;
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
    private Choice[] _choices = [];
    private double[] _values = [];

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
        var values = Download(differences, (long)total + rows);
        var next = 0;
        for (var row = 0; row < rows; row++)
        {
            var sum = BitConverter.DoubleToUInt64Bits(values[total + row]);
            for (var end = asked.Ends.IsEmpty ? next + count : asked.Ends[row]; next < end; next++)
            {
                logProbabilities[next] = TokenWeights.LogProbability(values[next], 0, sum);
            }
        }
    }

    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        var (d, n, sets, k) = (points.Shape[0], points.Shape[1], centres.Shape[0], centres.Shape[1]);
        var (x, c, count) = (Owned.AnyAddress(points, context), Owned.AnyAddress(centres, context), squared.Length);
        var room = (3L * count + 1) / 2; // distances, and the labels behind them: both are read at once
        var distances = _results.Take(room);
        var nearest = distances + (ulong)count * sizeof(double);
        var parameters = stackalloc void*[] { &x, &c, &n, &k, &d, &nearest, &distances };
        context.Launch(kernels.NearestCentre, sets * (((long)n + Threads - 1) / Threads), 1, 1, Threads, parameters);
        var values = Download(distances, room);
        values[..count].CopyTo(squared);
        MemoryMarshal.Cast<double, int>(values[count..])[..count].CopyTo(labels);
    }

    public void Dispose()
    {
        _ids.Dispose();
        _ends.Dispose();
        _uniforms.Dispose();
        _results.Dispose();
    }

    /// <summary>Numbers of the device, until the next call.</summary>
    private Span<double> Download(ulong from, long count)
    {
        _values = _values.Length < count ? new double[count] : _values;
        fixed (double* to = _values)
        {
            context.Download(from, to, count * sizeof(double));
        }
        return _values.AsSpan(0, (int)count);
    }

    private ulong Ids(AllowedIds allowed) => allowed.Ids.IsEmpty ? 0 : _ids.Put(allowed.Ids);

    private ulong Ends(AllowedIds allowed) => allowed.Ends.IsEmpty ? 0 : _ends.Put(allowed.Ends);

    /// <summary>As in sample.cu.</summary>
    private readonly record struct Choice(long Id, double Difference, ulong Sum);
}
