using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Attention on the device: the plan of a call, the streaming pass, and the taps. Used by one thread at a time.</summary>
internal sealed unsafe class CudaAttention(CudaContext context, Kernels kernels) : IDisposable
{
    private const int Threads = 256;
    private const int WarpParts = 64;         // pairs of parts of a pair of spans from which on a warp adds them up
    private WarpgroupAttention? _warpgroup;
    private readonly AttentionPlan _plan = new(context);
    private readonly TapPlan _taps = new(context);
    private readonly Scratch _sums = new(context, DType.F32);
    private readonly Scratch _room = new(context, DType.F32);
    private readonly Scratch _parts = new(context, DType.F32);

    /// <summary>What multiplies in prompts; Cublas is as Auto.</summary>
    public MatrixProduct Product { get; set; }

    /// <summary>What went wrong with kernels that are not used; null where nothing did.</summary>
    public string? Failure => _warpgroup?.Failure;

    /// <summary>Most sums of parts at a time, 256 MiB; where all KV heads have more, they come one after the other.</summary>
    public long MostSums { get; set; } = 1L << 26;

    /// <summary>Most room for what blocks put away, 1 GiB; where those that the device can run need more, fewer share the tiles.</summary>
    public long MostRoom { get; set; } = 1L << 28;

    /// <summary>
    /// Outputs and taps of a call. One pass gives both where its form has taps and no keys are split; otherwise taps have a pass of their
    /// own, without values, so that the outputs have the same bits as without taps.
    /// </summary>
    public void Run(in AttentionCall call)
    {
        var form = FormOf(call);
        Run(call, form, form.SplitsKeys ? kernels.Attention.TappedOf(call.Query.Shape[2], Elements(call)) : form);
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
        _sums.Dispose();
        _room.Dispose();
        _parts.Dispose();
    }

    /// <summary>Outputs and taps of a call by a form, and taps that need a pass of their own by another.</summary>
    private void Run(in AttentionCall call, in StreamForm form, in StreamForm tapForm)
    {
        _plan.Fill(call, form);
        var arguments = AttentionArguments.Of(call, _plan, context);
        var together = !call.Output.IsEmpty && form == tapForm && _plan.Splits == 1;
        var tapped = IsTapped(call);
        if (tapped)
        {
            _taps.Fill(call, tapForm.Lanes, together);
            tapped = _taps.Works.Count > 0;
        }
        if (!call.Output.IsEmpty && !(tapped && together))
        {
            Stream(form, arguments);
        }
        if (tapped)
        {
            Tap(call, tapForm, arguments with { Tiles = _taps.TilesAddress, Output = together ? arguments.Output : 0 });
        }
    }

    private static DType Elements(in AttentionCall call) => ((CudaKvCache)call.Cache).Elements;

    private StreamForm FormOf(in AttentionCall call)
    {
        var group = call.Query.Shape[1] / call.Cache.Shape.KvHeads;
        var most = 0;
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            most = Math.Max(most, sequence.RowCount);
        }
        var lanes = (long)most * group;
        return lanes > AttentionKernels.FewLanes && SuitsWarpgroups(call, group)
            && (_warpgroup ??= new WarpgroupAttention(context, kernels, Run)).TryForm(call.Query.Shape[2], out var form)
            ? form
            : kernels.Attention.StreamOf(call.Query.Shape[2], Elements(call), lanes);
    }

    /// <summary>Whether the device has something to do for most of its multiprocessors without keys being split, or wgmma is asked for.</summary>
    private bool SuitsWarpgroups(in AttentionCall call, int group)
    {
        if (Product == MatrixProduct.MmaSync || Elements(call) != DType.BF16 || !(call.Scale > 0))
        {
            return false;
        }
        const int lanes = 128;
        var blocks = 0L;
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            blocks += ((long)sequence.RowCount * group + lanes - 1) / lanes * call.Cache.Shape.KvHeads;
        }
        return Product == MatrixProduct.Wgmma || 2 * blocks > context.Multiprocessors;
    }

    private static bool IsTapped(in AttentionCall call)
    {
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            if (sequence.Tap is not null)
            {
                return true;
            }
        }
        return false;
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

    /// <summary>One pass over the keys with taps, by as many blocks as run at a time, each with room of its own.</summary>
    private void Tap(in AttentionCall call, in StreamForm form, AttentionArguments arguments)
    {
        var kvHeads = arguments.Kv.KvHeads;
        var each = (int)Math.Clamp(MostSums / _taps.SumsEach, 1, kvHeads);
        var roomEach = (long)_taps.MostKeyParts * form.Lanes;
        var most = Math.Clamp(MostRoom / roomEach, 1, form.BlocksEach * context.Multiprocessors);
        TapArguments tap;
        var parameters = stackalloc void*[] { &arguments, &tap };
        for (var first = 0; first < kvHeads; first += each)
        {
            var count = Math.Min(each, kvHeads - first);
            var blocks = Math.Min(most, (long)_taps.Tiles * count);
            tap = new TapArguments
            {
                Sequences = _taps.SequencesAddress,
                Tiles = _taps.TilePartsAddress,
                Parts = _taps.PartsAddress,
                Pieces = _taps.PiecesAddress,
                Room = _room.Take(blocks * roomEach),
                Sums = _sums.Take(_taps.SumsEach * count),
                TileCount = _taps.Tiles,
                FirstKvHead = first,
                KvHeads = count,
                RoomParts = _taps.MostKeyParts,
            };
            context.Launch(form.Tapped!.Value, blocks, 1, 1, form.Threads, parameters);
            foreach (var work in _taps.Works)
            {
                Reduce(call, work, tap);
            }
        }
    }

    private void Reduce(in AttentionCall call, in TapWork work, in TapArguments sums)
    {
        var tap = call.Sequences.Span[work.Sequence].Tap!;
        var (spans, singles) = (tap.Spans.Length, tap.Singles.Length);
        Reduce(call, work, sums, tap.SpanToSpan, work.SpanQueries, spans, work.SpanKeys, spans);
        Reduce(call, work, sums, tap.SingleToSpan, work.SingleQueries, singles, work.SpanKeys, spans);
        Reduce(call, work, sums, tap.SingleToSingle, work.SingleQueries, singles, work.SingleKeys, singles);
    }

    private void Reduce(
        in AttentionCall call, in TapWork work, in TapArguments sums, Tensor target, int firstQuery, int queryCount, int firstKey, int keyCount)
    {
        if (target.IsEmpty)
        {
            return;
        }
        var (allHeads, kvHeads) = (call.Query.Shape[1], sums.KvHeads);
        var group = allHeads / call.Cache.Shape.KvHeads;
        var perHead = call.Sequences.Span[work.Sequence].Tap!.PerHead;
        var (planes, planesEach, heads) = perHead ? (kvHeads * group, 1, 1) : (1, kvHeads, allHeads);
        var elements = (long)queryCount * keyCount;
        var from = sums.Sums + (ulong)(work.FirstSum * kvHeads * sizeof(float));
        var to = Owned.Address(target, context) + (perHead ? (ulong)(sums.FirstKvHead * group * elements * sizeof(float)) : 0);
        var (queryParts, keyParts) = (work.QueryParts, work.KeyParts);
        var (queries, keys) = (_taps.EntryAddress(firstQuery), _taps.EntryAddress(firstKey));
        var parameters = stackalloc void*[] { &from, &planesEach, &queryParts, &keyParts, &queries, &queryCount, &keys, &keyCount, &heads, &to };
        // Few long spans have many parts each.
        var byWarp = (long)planesEach * queryParts * keyParts / elements >= WarpParts;
        var (kernel, width) = byWarp ? (kernels.Attention.TapReduce.ByWarp, 32) : (kernels.Attention.TapReduce.ByThread, 1);
        context.Launch(kernel, (elements * width + Threads - 1) / Threads, planes, 1, Threads, parameters);
    }
}
