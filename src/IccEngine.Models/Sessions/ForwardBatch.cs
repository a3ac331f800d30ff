using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>The rows of one batch: which tokens, of which sequences, and what is wanted of them. Filled anew for every batch.</summary>
internal sealed class ForwardBatch(int maxRows)
{
    private const int MapTileRows = 64;
    private readonly List<Part> _parts = [];
    private SequenceRows[] _sequences = new SequenceRows[4];
    private Tensor _tile;

    /// <summary>Token ids [maxRows].</summary>
    public int[] Ids { get; } = new int[maxRows];

    /// <summary>Rows in use.</summary>
    public int Rows { get; private set; }

    /// <summary>Last layer to run.</summary>
    public int LastLayer { get; set; }

    /// <summary>Whether nothing above the attention map of the last layer is wanted.</summary>
    public bool StopsAtTap { get; set; }

    /// <summary>All rows, as one run.</summary>
    public List<(int First, int Count)> AllRuns { get; } = [];

    /// <summary>The rows that are looked at above the last layer, as runs.</summary>
    public List<(int First, int Count)> WantedRuns { get; } = [];

    /// <summary>The sequences' parts in this batch.</summary>
    public List<Part> Parts => _parts;

    /// <summary>Rows that are still free.</summary>
    public int Free => maxRows - Rows;

    public void Clear()
    {
        Rows = 0;
        _parts.Clear();
        AllRuns.Clear();
        WantedRuns.Clear();
    }

    /// <summary>Adds tokens of a sequence that has pages for them.</summary>
    /// <param name="input">Index among the inputs of the call.</param>
    /// <param name="source">That input.</param>
    /// <param name="tokens">Those of its ids that belong here.</param>
    /// <param name="start">Position of the first.</param>
    /// <param name="wantAll">Whether all rows are looked at above the last layer.</param>
    /// <param name="wantLast">Whether the last one is, because its logits are wanted.</param>
    public void Add(int input, in SequenceInput source, ReadOnlySpan<int> tokens, int start, bool wantAll, bool wantLast)
    {
        tokens.CopyTo(Ids.AsSpan(Rows));
        _parts.Add(new Part(input, source, Rows, tokens.Length, start, wantLast));
        if (wantAll)
        {
            AddRun(WantedRuns, Rows, tokens.Length);
        }
        else if (wantLast)
        {
            AddRun(WantedRuns, Rows + tokens.Length - 1, 1);
        }
        AddRun(AllRuns, Rows, tokens.Length);
        Rows += tokens.Length;
    }

    /// <summary>The sequences as attention sees them at a layer: with the taps of that layer.</summary>
    public ReadOnlyMemory<SequenceRows> SequencesAt(int layer)
    {
        if (_sequences.Length < _parts.Count)
        {
            _sequences = new SequenceRows[Math.Max(_parts.Count, 2 * _sequences.Length)];
        }
        for (var i = 0; i < _parts.Count; i++)
        {
            var part = _parts[i];
            _sequences[i] = new SequenceRows(
                part.FirstRow, part.Count, part.Start, part.Source.Sequence.Pages, part.Source.Capture?.At(layer));
        }
        return _sequences.AsMemory(0, _parts.Count);
    }

    /// <summary>Hands over hidden rows.</summary>
    /// <param name="options">Says whether they are wanted.</param>
    /// <param name="name">Their name.</param>
    /// <param name="layer">Number of the layer, which ends the name, or null.</param>
    /// <param name="hidden">[rows, hidden]</param>
    public void ReportHidden(ForwardOptions options, string name, int? layer, Tensor hidden)
    {
        if (options.OnHidden is { } report)
        {
            name += layer;
            foreach (var part in _parts)
            {
                report(new RowsReport(part.Input, part.Start, name, hidden.Rows(part.FirstRow, part.Count)));
            }
        }
    }

    /// <summary>Hands over the attention maps of a layer, computed again tile by tile.</summary>
    public void ReportAttention(ForwardOptions options, IBackend backend, in AttentionCall call)
    {
        if (options.OnAttention is not { } report)
        {
            return;
        }
        foreach (var (layer, only) in options.Maps)
        {
            if (layer != call.Layer)
            {
                continue;
            }
            for (var head = only ?? 0; head <= (only ?? call.Query.Shape[1] - 1); head++)
            {
                for (var s = 0; s < _parts.Count; s++)
                {
                    ReportMap(report, backend, call, s, head);
                }
            }
        }
    }

    /// <summary>Gives back the tile that maps are handed over in.</summary>
    public void ReleaseTile()
    {
        _tile.Buffer?.Dispose();
        _tile = default;
    }

    private void ReportMap(Action<AttentionReport> report, IBackend backend, in AttentionCall call, int index, int head)
    {
        var part = _parts[index];
        var length = part.Start + part.Count;
        if (_tile.IsEmpty || _tile.Shape.Elements < (long)MapTileRows * length)
        {
            ReleaseTile();
            _tile = backend.Allocate(new Shape(MapTileRows, length));
        }
        for (var row = 0; row < part.Count; row += MapTileRows)
        {
            var shape = new Shape(Math.Min(MapTileRows, part.Count - row), length);
            var tile = new Tensor(_tile.Buffer, 0, shape);
            backend.AttentionProbabilities(call, index, head, row, tile);
            report(new AttentionReport(part.Input, call.Layer, head, part.Start + row, tile));
        }
    }

    private static void AddRun(List<(int First, int Count)> runs, int first, int count)
    {
        if (runs.Count > 0 && runs[^1].First + runs[^1].Count == first)
        {
            runs[^1] = (runs[^1].First, runs[^1].Count + count);
        }
        else
        {
            runs.Add((first, count));
        }
    }

    /// <summary>The rows of one sequence in the batch.</summary>
    public readonly record struct Part(int Input, SequenceInput Source, int FirstRow, int Count, int Start, bool WantsLast)
    {
        /// <summary>Last row of the sequence in the batch.</summary>
        public int LastRow => FirstRow + Count - 1;
    }
}
