using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>Where the ids of a row are: those of all rows, or each row's own; none: all.</summary>
internal readonly unsafe struct RowIds(int* ids, int count, int* ends)
{
    /// <summary>Ids of all rows together.</summary>
    public int Total => count;

    /// <summary>Where a row's ids begin among those of all rows.</summary>
    public int First(int row) => ends == null || row == 0 ? 0 : ends[row - 1];

    /// <summary>How many ids a row has.</summary>
    public int Count(int row, int vocabulary) => count == 0 ? vocabulary : ends == null ? count : ends[row] - First(row);

    /// <summary>An id of a row.</summary>
    public int Id(int row, int i) => count == 0 ? i : ids[First(row) + i];

    /// <summary>The logits of a row's ids, NaN as minus infinity and -0 as 0; returns the largest.</summary>
    public float Gather(float* logits, int vocabulary, int row, float* values)
    {
        var x = logits + (long)row * vocabulary;
        var n = Count(row, vocabulary);
        var own = count == 0 ? null : ids + First(row);
        var max = float.NegativeInfinity;
        for (var i = 0; i < n; i++)
        {
            values[i] = SampleJob.Value(x[own == null ? i : own[i]]) + 0f;
            max = Math.Max(max, values[i]);
        }
        return max;
    }
}

/// <summary>Chooses the token of a row. What the warpers leave is found by a search over the digits of the logits, without sorting.</summary>
internal readonly unsafe struct SampleJob(
    float* logits, int vocabulary, RowIds allowed, SamplingOptions options, double* uniforms, int* chosen, double* logProbabilities) : IJob
{
    /// <summary>A logit as it is compared.</summary>
    public static float Value(float x) => float.IsNaN(x) ? float.NegativeInfinity : x;

    /// <summary>Weights of all values at temperature 1.</summary>
    public static ulong Sum(float* values, int n, float max)
    {
        var sum = 0ul;
        for (var i = 0; i < n; i++)
        {
            sum += TokenWeights.Weight(TokenWeights.Share(values[i], max, 1));
        }
        return sum;
    }

    public void Run(int item)
    {
        var n = allowed.Count(item, vocabulary);
        var room = new Carver(Scratch.Take(ScratchUse.Item, Carver.Bytes<float>(n) + Carver.Bytes<ulong>(n)));
        var values = room.Take<float>(n);
        var weights = room.Take<ulong>(n);
        var max = allowed.Gather(logits, vocabulary, item, values);
        var place = options.IsGreedy ? new ReadOnlySpan<float>(values, n).IndexOf(max) : Draw(values, weights, n, max, uniforms[item]);
        chosen[item] = allowed.Id(item, place);
        if (logProbabilities != null)
        {
            logProbabilities[item] = TokenWeights.LogProbability(values[place], max, Sum(values, n, max));
        }
    }

    private int Draw(float* values, ulong* weights, int n, float max, double uniform)
    {
        var least = options.TopK > 0 && options.TopK < n ? Search(values, null, n, (ulong)options.TopK) : 0;
        var total = 0ul;
        for (var i = 0; i < n; i++)
        {
            weights[i] = Order(values[i]) >= least ? TokenWeights.Weight(TokenWeights.Share(values[i], max, options.Temperature)) : 0;
            total += weights[i];
        }
        if (options.TopP < 1)
        {
            least = Search(values, weights, n, TokenWeights.TopPTarget(options.TopP, total));
        }
        total = 0;
        for (var i = 0; i < n; i++)
        {
            var stays = Order(values[i]) >= least
                && (options.MinP == 0 || TokenWeights.Share(values[i], max, options.Temperature) >= options.MinP);
            weights[i] = stays ? weights[i] : 0;
            total += weights[i];
        }
        var drawn = TokenWeights.Drawn(uniform, total);
        var place = 0;
        for (var before = weights[0]; before <= drawn; before += weights[place])
        {
            place++;
        }
        return place;
    }

    /// <summary>Bits in the order of the values.</summary>
    private static uint Order(float x)
    {
        var bits = BitConverter.SingleToUInt32Bits(x);
        return bits >> 31 != 0 ? ~bits : bits | 0x80000000;
    }

    /// <summary>The order of the largest value for which the values that are not smaller weigh the target together; without weights they are counted.</summary>
    private static uint Search(float* values, ulong* weights, int n, ulong target)
    {
        const int bits = 8;
        var sums = stackalloc ulong[1 << bits];
        var (prefix, above) = (0u, 0ul);
        for (var shift = 32 - bits; shift >= 0; shift -= bits)
        {
            new Span<ulong>(sums, 1 << bits).Clear();
            for (var i = 0; i < n; i++)
            {
                var order = Order(values[i]);
                if ((uint)((ulong)order >> shift >> bits) == prefix)
                {
                    sums[order >> shift & 255] += weights == null ? 1 : weights[i];
                }
            }
            var digit = (1 << bits) - 1;
            for (; digit > 0 && above + sums[digit] < target; digit--)
            {
                above += sums[digit];
            }
            prefix = prefix << bits | (uint)digit;
        }
        return prefix;
    }
}

/// <summary>Logarithms of the probabilities of a row's ids, among themselves or in the whole vocabulary.</summary>
internal readonly unsafe struct LogProbabilitiesJob(float* logits, int vocabulary, RowIds asked, bool amongIds, bool ownIds, double* logProbabilities)
    : IJob
{
    public void Run(int item)
    {
        var n = asked.Count(item, vocabulary);
        var room = new Carver(Scratch.Take(ScratchUse.Item, Carver.Bytes<float>(n) + Carver.Bytes<float>(vocabulary)));
        var values = room.Take<float>(n);
        var all = room.Take<float>(vocabulary);
        var max = asked.Gather(logits, vocabulary, item, values);
        var sum = 0ul;
        if (amongIds)
        {
            sum = SampleJob.Sum(values, n, max);
        }
        else
        {
            max = default(RowIds).Gather(logits, vocabulary, item, all);
            sum = SampleJob.Sum(all, vocabulary, max);
        }
        var first = ownIds ? asked.First(item) : (long)item * asked.Total;
        for (var i = 0; i < n; i++)
        {
            logProbabilities[first + i] = TokenWeights.LogProbability(values[i], max, sum);
        }
    }
}
