using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Attention on the device: the plan of a call, the streaming pass, and the taps. Used by one thread at a time.</summary>
internal sealed unsafe class CudaAttention(CudaContext context, Kernels kernels) : IDisposable
{
    private const int Threads = 256;
    private readonly AttentionPlan _plan = new(context);
    private readonly TapPlan _taps = new(context);
    private readonly Scratch _stats = new(context, DType.F32);
    private readonly Scratch _sums = new(context, DType.F32);
    private readonly Scratch _parts = new(context, DType.F32);

    /// <summary>Outputs and taps of a call.</summary>
    public void Run(in AttentionCall call)
    {
        var heads = call.Query.Shape[1];
        var kernel = kernels.AttentionOf(call.Query.Shape[2]);
        var tapKernel = kernels.TapOf(call.Query.Shape[2]);
        _plan.Fill(call, kernel.Lanes);
        _taps.Fill(call, tapKernel.Keys);
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
        Stream(kernel, arguments);
        foreach (var work in _taps.Works)
        {
            Tap(call, work, arguments, tapKernel.Kernel);
        }
    }

    /// <summary>Probabilities of rows of one sequence and head.</summary>
    public void Probabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        _plan.Fill(call, kernels.AttentionOf(call.Query.Shape[2]).Lanes);
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
        context.Launch(kernels.AttentionProbabilities, probabilities.Shape[0], 1, 1, Threads, parameters);
    }

    public void Dispose()
    {
        _plan.Dispose();
        _taps.Dispose();
        _stats.Dispose();
        _sums.Dispose();
        _parts.Dispose();
    }

    /// <summary>One pass over the keys, by several blocks a tile where there are few tiles.</summary>
    private void Stream(in HeadKernel kernel, AttentionArguments arguments)
    {
        var splits = _plan.Splits;
        if (splits > 1)
        {
            var places = (long)splits * arguments.Rows * arguments.Heads;
            arguments.PartStats = _parts.Take(places * (2 + arguments.Kv.HeadDim));
            arguments.PartResults = arguments.PartStats + (ulong)(2 * places * sizeof(float));
        }
        var lanes = kernel.Lanes;
        var parameters = stackalloc void*[] { &arguments, &lanes, &splits };
        context.Launch(kernel.Kernel, _plan.Tiles, arguments.Kv.KvHeads, splits, Threads, parameters);
        if (splits > 1)
        {
            context.Launch(kernels.AttentionMerge, _plan.Tiles, arguments.Kv.KvHeads, 1, Threads, parameters);
        }
    }

    private void Tap(in AttentionCall call, in TapWork work, in AttentionArguments attention, in Kernel kernel)
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
        var parameters = stackalloc void*[] { &arguments };
        context.Launch(kernel, work.QueryParts, work.Tiles, planes, Threads, parameters);
        var (spans, singles) = (tap.Spans.Length, tap.Singles.Length);
        Reduce(tap.SpanToSpan, work, arguments, planes, work.SpanQueries, spans, work.SpanKeys, spans);
        Reduce(tap.SingleToSpan, work, arguments, planes, work.SingleQueries, singles, work.SpanKeys, spans);
        Reduce(tap.SingleToSingle, work, arguments, planes, work.SingleQueries, singles, work.SingleKeys, singles);
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
        var blocks = ((long)queryCount * keyCount + Threads - 1) / Threads;
        context.Launch(kernels.TapReduce, blocks, planes, 1, Threads, parameters);
    }
}
