using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Attention on the device: the plan of a call, the streaming pass, and the taps. Used by one thread at a time.</summary>
internal sealed unsafe class CudaAttention(CudaContext context, Kernels kernels) : IDisposable
{
    private const int Threads = 256;
    private const int WarpParts = 16; // pairs of parts of a pair of spans from which on a warp adds them up
    private readonly AttentionPlan _plan = new(context);
    private readonly TapPlan _taps = new(context);
    private readonly Scratch _stats = new(context, DType.F32);
    private readonly Scratch _sums = new(context, DType.F32);
    private readonly Scratch _parts = new(context, DType.F32);
    private readonly Scratch _rounded = new(context, DType.BF16);

    /// <summary>Outputs and taps of a call.</summary>
    public void Run(in AttentionCall call)
    {
        var heads = call.Query.Shape[1];
        var (form, tapForm) = (FormOf(call), kernels.Attention.TapOf(call.Query.Shape[2], Elements(call)));
        _plan.Fill(call, form);
        _taps.Fill(call, tapForm);
        var arguments = new AttentionArguments
        {
            Kv = KvView.Of(call),
            Query = Owned.Address(call.Query, context),
            Output = call.Output.IsEmpty ? 0 : Owned.Address(call.Output, context),
            Stats = _taps.Works.Count == 0 ? 0 : _stats.Take(2L * call.Query.Shape[0] * heads),
            Sequences = _plan.SequencesAddress,
            Pages = _plan.PagesAddress,
            Tiles = _plan.TilesAddress,
            Heads = heads,
            Rows = call.Query.Shape[0],
        };
        Stream(form, arguments);
        var rounded = tapForm.Lanes == 0 || _taps.Works.Count == 0 ? 0 : Round(arguments);
        foreach (var work in _taps.Works)
        {
            Tap(call, work, arguments, tapForm, rounded);
        }
    }

    /// <summary>Probabilities of rows of one sequence and head.</summary>
    public void Probabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        _plan.Fill(call, FormOf(call));
        ref readonly var rows = ref call.Sequences.Span[sequence];
        var kv = KvView.Of(call);
        var stride = call.Query.Shape[1] * kv.HeadDim;
        var query = Owned.Address(call.Query, context)
            + (ulong)(((long)(rows.FirstRow + firstRow) * stride + (long)head * kv.HeadDim) * sizeof(float));
        var pages = _plan.PagesOf(sequence);
        var kvHead = head / (call.Query.Shape[1] / kv.KvHeads);
        var (position, length, columns) = (rows.Start + firstRow, rows.Length, probabilities.Shape[1]);
        var output = Owned.Address(probabilities, context);
        var parameters = stackalloc void*[] { &kv, &query, &stride, &pages, &kvHead, &position, &length, &output, &columns };
        context.Launch(kernels.Attention.Probabilities(Elements(call)), probabilities.Shape[0], 1, 1, Threads, parameters);
    }

    public void Dispose()
    {
        _plan.Dispose();
        _taps.Dispose();
        _stats.Dispose();
        _sums.Dispose();
        _parts.Dispose();
        _rounded.Dispose();
    }

    private static DType Elements(in AttentionCall call) => ((CudaKvCache)call.Cache).Elements;

    private StreamForm FormOf(in AttentionCall call)
    {
        var most = 0;
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            most = Math.Max(most, sequence.RowCount);
        }
        var lanes = (long)most * call.Query.Shape[1] / call.Cache.Shape.KvHeads;
        return kernels.Attention.StreamOf(call.Query.Shape[2], Elements(call), lanes);
    }

    /// <summary>All queries rounded to bfloat16.</summary>
    private ulong Round(in AttentionArguments attention)
    {
        const int each = 8; // of a thread
        const int most = 1 << 16;
        var (query, rows, columns, terms) = (attention.Query, (long)attention.Rows, attention.Heads * attention.Kv.HeadDim, 1);
        var rounded = _rounded.Take(rows * columns);
        var parameters = stackalloc void*[] { &query, &rounded, &rows, &columns, &columns, &terms };
        var blocks = Math.Min(most, (rows * columns / each + Threads - 1) / Threads);
        context.Launch(kernels.BFloat16Terms.For(DType.F32), blocks, 1, 1, Threads, parameters);
        return rounded;
    }

    /// <summary>One pass over the keys, by several blocks a tile where there are few tiles.</summary>
    private void Stream(in StreamForm form, AttentionArguments arguments)
    {
        var splits = _plan.Splits;
        if (splits > 1)
        {
            var places = (long)splits * arguments.Rows * arguments.Heads;
            arguments.PartStats = _parts.Take(places * (2 + arguments.Kv.HeadDim));
            arguments.PartResults = arguments.PartStats + (ulong)(2 * places * sizeof(float));
        }
        var lanes = form.Lanes;
        var parameters = stackalloc void*[] { &arguments, &lanes, &splits };
        context.Launch(form.Kernel, _plan.Tiles, arguments.Kv.KvHeads, splits, form.Threads, parameters);
        if (splits > 1)
        {
            context.Launch(kernels.Attention.Merge, _plan.Tiles, arguments.Kv.KvHeads, 1, Threads, parameters);
        }
    }

    private void Tap(in AttentionCall call, in TapWork work, in AttentionArguments attention, in TapForm form, ulong rounded)
    {
        ref readonly var sequence = ref call.Sequences.Span[work.Sequence];
        var tap = sequence.Tap!;
        var planes = tap.PerHead ? attention.Heads : 1;
        var arguments = new TapArguments
        {
            Kv = attention.Kv,
            Query = attention.Query,
            Stats = attention.Stats,
            Pages = _plan.PagesOf(work.Sequence),
            QueryParts = _taps.At(work.FirstQuery),
            KeyTiles = _taps.At(work.FirstTile),
            Sums = _sums.Take((long)planes * work.QueryParts * work.KeyParts),
            Heads = attention.Heads,
            HeadsEach = attention.Heads / planes,
            Start = sequence.Start,
            FirstRow = sequence.FirstRow,
            Length = sequence.Length,
            KeyParts = work.KeyParts,
        };
        if (form.Lanes > 0)
        {
            LaunchTiles(arguments, work, form, planes, rounded);
        }
        else
        {
            var parameters = stackalloc void*[] { &arguments };
            context.Launch(form.Kernel, work.QueryParts, work.Tiles, planes, form.Threads, parameters);
        }
        var (spans, singles) = (tap.Spans.Length, tap.Singles.Length);
        Reduce(tap.SpanToSpan, work, arguments, planes, work.SpanQueries, spans, work.SpanKeys, spans);
        Reduce(tap.SingleToSpan, work, arguments, planes, work.SingleQueries, singles, work.SpanKeys, spans);
        Reduce(tap.SingleToSingle, work, arguments, planes, work.SingleQueries, singles, work.SingleKeys, singles);
    }

    private void LaunchTiles(in TapArguments tap, in TapWork work, in TapForm form, int planes, ulong rounded)
    {
        var arguments = new RoundedTapArguments
        {
            Kv = tap.Kv,
            Query = rounded,
            Stats = tap.Stats,
            Pages = tap.Pages,
            QueryTiles = tap.QueryParts,
            KeyTiles = tap.KeyTiles,
            Sums = tap.Sums,
            Heads = tap.Heads,
            HeadsEach = tap.HeadsEach,
            RowsEach = work.RowsEach,
            Start = tap.Start,
            FirstRow = tap.FirstRow,
            Length = tap.Length,
            QueryParts = work.QueryParts,
            KeyParts = tap.KeyParts,
        };
        var parameters = stackalloc void*[] { &arguments };
        context.Launch(form.Kernel, work.QueryTiles, work.Tiles, planes, form.Threads, parameters);
    }

    private void Reduce(
        Tensor target, in TapWork work, in TapArguments arguments, int planes, int firstQuery, int queryCount, int firstKey, int keyCount)
    {
        if (target.IsEmpty)
        {
            return;
        }
        var (sums, address) = (arguments.Sums, Owned.Address(target, context));
        var (queryParts, keyParts, headsEach) = (work.QueryParts, work.KeyParts, arguments.HeadsEach);
        var (queries, keys) = (_taps.At(firstQuery), _taps.At(firstKey));
        var parameters = stackalloc void*[] { &sums, &queryParts, &keyParts, &queries, &queryCount, &keys, &keyCount, &headsEach, &address };
        // Few long spans have many parts each.
        var elements = (long)queryCount * keyCount;
        var byWarp = (long)queryParts * keyParts / elements >= WarpParts;
        var (kernel, width) = byWarp ? (kernels.Attention.TapReduce.ByWarp, 32) : (kernels.Attention.TapReduce.ByThread, 1);
        context.Launch(kernel, (elements * width + Threads - 1) / Threads, planes, 1, Threads, parameters);
    }
}
