using System.Numerics;

namespace IccEngine.Core;

/// <summary>Attention by the book: all probabilities of a row, then the weighted values and the means over spans.</summary>
internal static class ReferenceAttention<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    public static void Run(in AttentionCall call)
    {
        foreach (var sequence in call.Sequences.Span)
        {
            var probabilities = new double[sequence.Length];
            var sums = sequence.Tap is { } tap ? new TapSums(tap, call.Query.Shape[1]) : null;
            for (var row = 0; row < sequence.RowCount; row++)
            {
                for (var head = 0; head < call.Query.Shape[1]; head++)
                {
                    Probabilities(call, sequence, head, row, probabilities);
                    WeightedValues(call, sequence, head, row, probabilities);
                    sums?.Add(head, sequence.Start + row, probabilities);
                }
            }
            sums?.Flush();
        }
    }

    /// <summary>softmax(scale q K^T) of one row: [Length], zero where the mask hides the key.</summary>
    public static void Probabilities(in AttentionCall call, in SequenceRows sequence, int head, int row, Span<double> probabilities)
    {
        var (heads, headDim) = (call.Query.Shape[1], call.Query.Shape[2]);
        var cache = (ReferenceKvCache<T>)call.Cache;
        var kvHead = head / (heads / cache.Shape.KvHeads);
        var query = ReferenceBackend<T>.Values(call.Query).Slice(((sequence.FirstRow + row) * heads + head) * headDim, headDim);
        var position = sequence.Start + row;
        var (first, end) = (call.Mask.FirstKey(position), call.Mask.EndKey(position, sequence.Length));

        probabilities.Clear();
        var max = double.NegativeInfinity;
        for (var k = first; k < end; k++)
        {
            probabilities[k] = call.Scale * ReferenceBackend<T>.Dot(query, (Span<T>)cache.At(call.Layer, sequence, k, kvHead).Key);
            max = Math.Max(max, probabilities[k]);
        }
        var sum = 0.0;
        for (var k = first; k < end; k++)
        {
            probabilities[k] = Math.Exp(probabilities[k] - max);
            sum += probabilities[k];
        }
        for (var k = first; k < end; k++)
        {
            probabilities[k] /= sum;
        }
    }

    private static void WeightedValues(
        in AttentionCall call, in SequenceRows sequence, int head, int row, ReadOnlySpan<double> probabilities)
    {
        if (call.Output.IsEmpty)
        {
            return;
        }
        var (heads, headDim) = (call.Query.Shape[1], call.Query.Shape[2]);
        var cache = (ReferenceKvCache<T>)call.Cache;
        var sums = new double[headDim];
        for (var k = 0; k < probabilities.Length; k++)
        {
            if (probabilities[k] == 0)
            {
                continue;
            }
            Span<T> value = cache.At(call.Layer, sequence, k, head / (heads / cache.Shape.KvHeads)).Value;
            for (var d = 0; d < headDim; d++)
            {
                sums[d] += probabilities[k] * double.CreateTruncating(value[d]);
            }
        }
        var output = ReferenceBackend<T>.Values(call.Output).Slice(((sequence.FirstRow + row) * heads + head) * headDim, headDim);
        for (var d = 0; d < headDim; d++)
        {
            output[d] = T.CreateTruncating(sums[d]);
        }
    }

    /// <summary>The means of one sequence and layer, in doubles until they are added to the tap's tensors.</summary>
    private sealed class TapSums(AttentionTap tap, int heads)
    {
        private readonly int _planes = tap.PerHead ? heads : 1;
        private readonly double[] _spanToSpan = new double[(tap.PerHead ? heads : 1) * tap.Spans.Length * tap.Spans.Length];
        private readonly double[] _singleToSpan = new double[(tap.PerHead ? heads : 1) * tap.Singles.Length * tap.Spans.Length];
        private readonly double[] _singleToSingle = new double[(tap.PerHead ? heads : 1) * tap.Singles.Length * tap.Singles.Length];

        public void Add(int head, int position, ReadOnlySpan<double> probabilities)
        {
            var plane = tap.PerHead ? head : 0;
            var (spans, singles) = (tap.Spans.Length, tap.Singles.Length);
            var i = Array.FindIndex(tap.Spans, s => s.Start <= position && position < s.End);
            var o = Array.IndexOf(tap.Singles, position);
            if (i < 0 && o < 0)
            {
                return;
            }
            var share = tap.PerHead ? 1.0 : 1.0 / heads;
            for (var j = 0; j < spans; j++)
            {
                var mean = 0.0;
                for (var k = tap.Spans[j].Start; k < Math.Min(tap.Spans[j].End, probabilities.Length); k++)
                {
                    mean += probabilities[k] / tap.Spans[j].Length;
                }
                if (i >= 0)
                {
                    _spanToSpan[(plane * spans + i) * spans + j] += share * mean / tap.Spans[i].Length;
                }
                if (o >= 0)
                {
                    _singleToSpan[(plane * singles + o) * spans + j] += share * mean;
                }
            }
            for (var p = 0; o >= 0 && p < singles; p++)
            {
                if (tap.Singles[p] < probabilities.Length)
                {
                    _singleToSingle[(plane * singles + o) * singles + p] += share * probabilities[tap.Singles[p]];
                }
            }
        }

        public void Flush()
        {
            AddTo(tap.SpanToSpan, _spanToSpan);
            AddTo(tap.SingleToSpan, _singleToSpan);
            AddTo(tap.SingleToSingle, _singleToSingle);
        }

        private void AddTo(Tensor target, double[] sums)
        {
            if (target.IsEmpty)
            {
                return;
            }
            var values = ReferenceBackend<T>.Values(target);
            if (values.Length != sums.Length)
            {
                throw new ArgumentException($"a tap tensor is {target.Shape}; expected {sums.Length} elements ({_planes} planes)");
            }
            for (var i = 0; i < sums.Length; i++)
            {
                values[i] = T.CreateTruncating(double.CreateTruncating(values[i]) + sums[i]);
            }
        }
    }
}
