using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>Sizes of a session, fixed when it is made.</summary>
/// <param name="MaxTokens">Tokens that its sequences hold together.</param>
/// <param name="MaxSequences">Sequences at one time.</param>
/// <param name="MaxBatchTokens">Rows of one pass through the layers: longer prompts are prefilled in chunks of this many.</param>
/// <param name="MaxLoraRank">Largest rank of the adapters that its sequences use.</param>
public sealed record SessionOptions(int MaxTokens, int MaxSequences = 1, int MaxBatchTokens = 512, int MaxLoraRank = 0);

/// <summary>
/// Sequences in progress on one model: a paged KV cache and the memory of a forward pass. One thread at a time; several sessions of one
/// model may run side by side.
/// </summary>
public sealed class InferenceSession : IDisposable
{
    internal const int PageTokens = 64;
    private const int LogitTileRows = 64;
    private readonly KvCache _cache;
    private readonly PagePool _pages;
    private readonly ForwardState _state;
    private readonly ForwardBatch _batch;
    private readonly RotaryTable _rotary;
    private readonly int _maxLoraRank;
    private Tensor _logits; // [inputs, vocab]: the last logits of every input

    /// <summary>Takes the memory that sessions of this size need; that of the cache is committed as it is written.</summary>
    /// <exception cref="IccArgumentException">A size below 1.</exception>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public InferenceSession(CausalLM model, SessionOptions options)
    {
        if (options.MaxTokens < 1 || options.MaxSequences < 1 || options.MaxBatchTokens < 1 || options.MaxLoraRank < 0)
        {
            throw new IccArgumentException($"{options}: expected sizes of at least 1");
        }
        var config = model.Config;
        (Model, _maxLoraRank) = (model, options.MaxLoraRank);
        var pages = (options.MaxTokens - 1) / PageTokens + options.MaxSequences; // each sequence may end with a page begun
        var rows = Math.Min(options.MaxBatchTokens, options.MaxTokens);
        var shape = new KvShape(config.NumHiddenLayers, config.NumKeyValueHeads, config.HeadDim, PageTokens, pages);
        _cache = model.Backend.CreateKvCache(shape);
        _pages = new PagePool(shape);
        try
        {
            _state = new ForwardState(model.Backend, config, _cache, rows, options.MaxLoraRank);
        }
        catch
        {
            _cache.Dispose();
            throw;
        }
        _batch = new ForwardBatch(rows);
        _rotary = new RotaryTable(config, rows);
    }

    /// <summary>The model that the sequences go through.</summary>
    public CausalLM Model { get; }

    /// <summary>Begins an empty sequence.</summary>
    /// <param name="adapter">The adapter that its tokens pass through, or null; of the same model.</param>
    /// <exception cref="IccArgumentException">The adapter's rank is above what the session was made for.</exception>
    public Sequence Begin(LoraAdapter? adapter = null)
    {
        if (adapter is not null && (adapter.Rank > _maxLoraRank || adapter.Model != Model))
        {
            throw new IccArgumentException(
                $"an adapter of rank {adapter.Rank}: this session takes adapters of its own model up to rank {_maxLoraRank}");
        }
        return new Sequence(adapter, _cache.Shape.Pages);
    }

    /// <summary>
    /// Begins a sequence with the tokens of another one, from where both go on by themselves. Full pages of the cache are shared: they
    /// are never written again. Of a page begun the new sequence gets a copy.
    /// </summary>
    /// <param name="sequence">One of this session's.</param>
    /// <exception cref="IccArgumentException">There is no page left for the copy.</exception>
    public Sequence Fork(Sequence sequence)
    {
        var fork = new Sequence(sequence.Adapter, _cache.Shape.Pages);
        var begun = sequence.Length % PageTokens != 0;
        if (begun && _pages.Free == 0)
        {
            throw new IccArgumentException("a sequence with a prefix of another one needs a page of the KV cache; none is free: make the session larger");
        }
        _pages.Share(sequence, fork);
        if (begun)
        {
            var last = sequence.Length / PageTokens;
            _pages.Grow(fork, sequence.Length);
            Model.Backend.CopyPage(_cache, sequence.Pages.Span[last], fork.Pages.Span[last]);
        }
        (fork.Length, fork.IsPartial) = (sequence.Length, sequence.IsPartial);
        return fork;
    }

    /// <summary>Ends a sequence; pages that no other sequence shares are free, and the object may begin anew.</summary>
    public void End(Sequence sequence) => _pages.Release(sequence);

    /// <summary>
    /// New tokens of any number of sequences through the model, packed into as few batches as fit; prefill, continued prefill and decode
    /// alike.
    /// </summary>
    /// <param name="inputs">At most one entry a sequence.</param>
    /// <param name="options">What to hand over on the way.</param>
    /// <param name="cancellation">Looked at before every layer; the sequences then stand at their last whole batch.</param>
    /// <exception cref="IccArgumentException">No room, no tokens, a token that the model does not have, or a sequence that ended at a tap.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Forward(ReadOnlySpan<SequenceInput> inputs, ForwardOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= Silent;
        var total = Prepare(inputs);
        using var activity = Telemetry.Begin(IsDecode(inputs) ? Telemetry.Decode : Telemetry.Prefill, total);
        var stopLayer = StopLayer(inputs, options);
        long done = 0;
        var (input, offset) = (0, 0);
        while (input < inputs.Length)
        {
            FillBatch(inputs, options, ref input, ref offset);
            _batch.StopsAtTap = stopLayer is not null;
            _batch.LastLayer = stopLayer ?? Model.Config.NumHiddenLayers - 1;
            if (Model.Forward(_state, _batch, options, cancellation))
            {
                GiveLogits(options);
            }
            foreach (var part in _batch.Parts)
            {
                part.Source.Sequence.Length = part.Start + part.Count;
                part.Source.Sequence.IsPartial |= stopLayer is not null && stopLayer < Model.Config.NumHiddenLayers;
            }
            done += _batch.Rows;
            options.OnProgress?.Invoke(done, total);
        }
        _batch.ReleaseTile();
    }

    /// <summary>Whether every sequence goes on by one token.</summary>
    private static bool IsDecode(ReadOnlySpan<SequenceInput> inputs)
    {
        foreach (var input in inputs)
        {
            if (input.Tokens.Length > 1 || input.Sequence.Length == 0)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Logits [1, vocab] after the last token of an input that wanted them; valid until the next forward pass.</summary>
    public Tensor LastLogits(int input) => _logits.Rows(input, 1);

    /// <summary>Likewise of inputs that follow one another [count, vocab].</summary>
    public Tensor LastLogits(int firstInput, int count) => _logits.Rows(firstInput, count);

    /// <summary>Gives all memory back.</summary>
    public void Dispose()
    {
        _cache.Dispose();
        _state.Dispose();
        _logits.Buffer?.Dispose();
    }

    private static readonly ForwardOptions Silent = new();

    /// <summary>Checks the inputs, gives their sequences pages, and counts the tokens.</summary>
    private long Prepare(ReadOnlySpan<SequenceInput> inputs)
    {
        long total = 0;
        long missing = 0;
        foreach (var input in inputs)
        {
            if (input.Sequence.IsPartial)
            {
                throw new IccArgumentException("this sequence ended at its last tapped layer and cannot be continued; ask for logits to keep it");
            }
            if (input.Tokens.IsEmpty)
            {
                throw new IccArgumentException("a sequence without new tokens; expected at least one");
            }
            foreach (var id in input.Tokens.Span)
            {
                if ((uint)id >= (uint)Model.Config.VocabSize)
                {
                    throw new IccArgumentException($"token id {id}: expected 0 to {Model.Config.VocabSize - 1}");
                }
            }
            total += input.Tokens.Length;
            missing += Math.Max(0, _pages.PagesMissing(input.Sequence, input.Sequence.Length + input.Tokens.Length));
        }
        if (missing > _pages.Free)
        {
            throw new IccArgumentException(
                $"{total} new tokens need {missing} more pages of {PageTokens} in the KV cache; {_pages.Free} are free: make the session larger");
        }
        foreach (var input in inputs)
        {
            _pages.Grow(input.Sequence, input.Sequence.Length + input.Tokens.Length);
        }
        if (_logits.IsEmpty || _logits.Shape[0] < inputs.Length)
        {
            MakeRoomForLogits(inputs);
        }
        return total;
    }

    private void MakeRoomForLogits(ReadOnlySpan<SequenceInput> inputs)
    {
        foreach (var input in inputs)
        {
            if (input.Logits == LogitsWanted.Last)
            {
                _logits.Buffer?.Dispose();
                _logits = default; // should there be no memory for more
                _logits = Model.Backend.Allocate(new Shape(inputs.Length, Model.Config.VocabSize));
                return;
            }
        }
    }

    /// <summary>The layer after whose attention the pass can stop, or null where it runs to the end.</summary>
    private static int? StopLayer(ReadOnlySpan<SequenceInput> inputs, ForwardOptions options)
    {
        var last = -1;
        foreach (var input in inputs)
        {
            if (input.Logits != LogitsWanted.None || input.Capture is null || options.OnHidden is not null)
            {
                return null;
            }
            last = Math.Max(last, input.Capture.LastLayer);
        }
        foreach (var (layer, _) in options.Maps)
        {
            last = Math.Max(last, layer);
        }
        return last < 0 ? null : last;
    }

    private void FillBatch(ReadOnlySpan<SequenceInput> inputs, ForwardOptions options, ref int input, ref int offset)
    {
        _batch.Clear();
        _state.Adapters.Clear();
        while (input < inputs.Length && _batch.Free > 0)
        {
            var source = inputs[input];
            var count = Math.Min(_batch.Free, source.Tokens.Length - offset);
            var start = source.Sequence.Length; // counts whole batches only, so a part of this call is not in it twice
            var ends = offset + count == source.Tokens.Length;
            _rotary.Fill(_batch.Rows, count, start, start - offset + source.Tokens.Length);
            AddAdapterRun(source.Sequence.Adapter, count);
            _batch.Add(
                input, source, source.Tokens.Span.Slice(offset, count), start,
                wantAll: source.Logits == LogitsWanted.All || options.OnHidden is not null,
                wantLast: source.Logits == LogitsWanted.Last && ends);
            (input, offset) = ends ? (input + 1, 0) : (input, offset + count);
        }
        _rotary.Upload(Model.Backend, _state.Cos, _state.Sin, _batch.Rows);
    }

    private void AddAdapterRun(LoraAdapter? adapter, int count)
    {
        var runs = _state.Adapters;
        if (runs.Count > 0 && runs[^1].Adapter == adapter)
        {
            runs[^1] = runs[^1] with { Count = runs[^1].Count + count };
        }
        else
        {
            runs.Add(new AdapterRun(_batch.Rows, count, adapter));
        }
    }

    private void GiveLogits(ForwardOptions options)
    {
        var parts = _batch.Parts;
        for (var p = 0; p < parts.Count; p++)
        {
            if (parts[p].Source.Logits == LogitsWanted.All && options.OnLogits is { } report)
            {
                GiveAllLogits(parts[p], report);
            }
            if (!parts[p].WantsLast)
            {
                continue;
            }
            // Decoding many sequences is one product: their rows, and their places among the inputs, follow one another.
            var first = p;
            while (p + 1 < parts.Count && parts[p + 1].WantsLast && parts[p + 1].LastRow == parts[p].LastRow + 1
                && parts[p + 1].Input == parts[p].Input + 1)
            {
                p++;
            }
            var count = p - first + 1;
            Model.Logits(_state, parts[first].LastRow, count, _logits.Rows(parts[first].Input, count));
        }
    }

    private void GiveAllLogits(in ForwardBatch.Part part, Action<RowsReport> report)
    {
        var room = Model.Backend.Allocate(new Shape(Math.Min(LogitTileRows, part.Count), Model.Config.VocabSize));
        using (room.Buffer)
        {
            for (var row = 0; row < part.Count; row += LogitTileRows)
            {
                var count = Math.Min(LogitTileRows, part.Count - row);
                var logits = room.Rows(0, count);
                Model.Logits(_state, part.FirstRow + row, count, logits);
                report(new RowsReport(part.Input, part.Start + row, "logits", logits));
            }
        }
    }
}
