using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The integers that attention_tap.cu and attention_tap_mma.cu read of a call. Each tapped sequence has query parts (rows of one span, or
/// one single token), key tiles (keys of some key parts: those of one span in one tile, or one single token), and for its reduction the
/// parts of every span and single on both sides. For attention_tap_mma.cu the rows come in tiles as the keys do.
/// </summary>
internal sealed class TapPlan(CudaContext context) : IDisposable
{
    private const int RowsEach = 32;
    private const int EntryInts = 3;
    private readonly IntegerTable _table = new(context);
    private readonly List<int> _integers = [];
    private readonly List<int> _queryEntries = [];
    private readonly List<int> _keyEntries = [];
    private readonly List<TapWork> _works = [];
    private int _keysEach, _lanesEach, _group;
    private ulong _address;

    /// <summary>The tapped sequences that have work.</summary>
    public List<TapWork> Works => _works;

    /// <summary>Address on the device of an index into the integers.</summary>
    public ulong At(int index) => _address + (ulong)index * sizeof(int);

    /// <summary>Plans a call and sends the plan to the device.</summary>
    /// <param name="call">The call.</param>
    /// <param name="form">The kernel.</param>
    public void Fill(in AttentionCall call, in TapForm form)
    {
        (_keysEach, _lanesEach, _group) = (form.Keys, form.Lanes, call.Query.Shape[1] / call.Cache.Shape.KvHeads);
        _integers.Clear();
        _works.Clear();
        var sequences = call.Sequences.Span;
        for (var s = 0; s < sequences.Length; s++)
        {
            if (sequences[s].Tap is { } tap)
            {
                Add(s, sequences[s], tap);
            }
        }
        _address = _table.Put(CollectionsMarshal.AsSpan(_integers));
    }

    public void Dispose() => _table.Dispose();

    private void Add(int index, in SequenceRows sequence, AttentionTap tap)
    {
        var (spanRows, singleRows) = (!tap.SpanToSpan.IsEmpty, !tap.SingleToSpan.IsEmpty || !tap.SingleToSingle.IsEmpty);
        var (spanKeys, singleKeys) = (!tap.SpanToSpan.IsEmpty || !tap.SingleToSpan.IsEmpty, !tap.SingleToSingle.IsEmpty);
        _queryEntries.Clear();
        _keyEntries.Clear();

        var firstQuery = _integers.Count;
        var (queryParts, queryTiles) = (0, 0);
        // As many rows as lanes have room for with the heads of a group, or those of a plane.
        var rowsEach = Math.Max(1, _lanesEach / (tap.PerHead ? 1 : _group));
        if (_lanesEach > 0)
        {
            var rows = new PositionTiles(_integers, rowsEach);
            AddTiles(ref rows, _queryEntries, tap, sequence.Start, sequence.Length, spanRows, singleRows);
            (queryParts, queryTiles) = (rows.Parts, rows.Count);
        }
        else
        {
            foreach (var span in tap.Spans)
            {
                AddRows(sequence, span, spanRows, ref queryParts);
            }
            foreach (var single in tap.Singles)
            {
                AddRows(sequence, new TokenSpan(single, single + 1), singleRows, ref queryParts);
            }
            queryTiles = queryParts;
        }

        var firstKey = _integers.Count;
        var tiles = new PositionTiles(_integers, _keysEach);
        AddTiles(ref tiles, _keyEntries, tap, 0, sequence.Length, spanKeys, singleKeys);
        if (queryParts == 0 || tiles.Parts == 0)
        {
            return;
        }
        var firstEntry = _integers.Count;
        _integers.AddRange(_queryEntries);
        _integers.AddRange(_keyEntries);
        _works.Add(new TapWork(
            index, firstQuery, queryParts, queryTiles, rowsEach, firstKey, tiles.Count, tiles.Parts,
            firstEntry, firstEntry + tap.Spans.Length * EntryInts,
            firstEntry + _queryEntries.Count, firstEntry + _queryEntries.Count + tap.Spans.Length * EntryInts));
    }

    /// <summary>Query parts of the tokens that are rows of this call.</summary>
    private void AddRows(in SequenceRows sequence, TokenSpan tokens, bool wanted, ref int parts)
    {
        var (first, end) = (Math.Max(tokens.Start, sequence.Start), Math.Min(tokens.End, sequence.Length));
        var firstPart = parts;
        for (var position = first; wanted && position < end; position += RowsEach)
        {
            _integers.AddRange([sequence.FirstRow + position - sequence.Start, Math.Min(RowsEach, end - position)]);
            parts++;
        }
        _queryEntries.AddRange([firstPart, parts - firstPart, tokens.Length]);
    }

    /// <summary>Tiles of the tokens of spans and singles whose positions are from first to end, and an entry for each span and single.</summary>
    private static void AddTiles(
        ref PositionTiles tiles, List<int> entries, AttentionTap tap, int first, int end, bool spansWanted, bool singlesWanted)
    {
        foreach (var span in tap.Spans)
        {
            entries.AddRange([0, 0, 0]);
            Add(ref tiles, span, spansWanted, CollectionsMarshal.AsSpan(entries)[^EntryInts..]);
        }
        // Positions ascend within a tile, so singles begin a new one and come in their order.
        tiles.Close();
        var firstSingle = entries.Count;
        CollectionsMarshal.SetCount(entries, firstSingle + tap.Singles.Length * EntryInts);
        foreach (var o in tap.SinglesByPosition)
        {
            var entry = CollectionsMarshal.AsSpan(entries).Slice(firstSingle + o * EntryInts, EntryInts);
            Add(ref tiles, new TokenSpan(tap.Singles[o], tap.Singles[o] + 1), singlesWanted, entry);
        }
        tiles.Close();

        void Add(ref PositionTiles tiles, TokenSpan tokens, bool wanted, Span<int> entry)
        {
            var firstPart = tiles.Parts;
            var there = new TokenSpan(Math.Max(first, tokens.Start), Math.Min(end, tokens.End));
            if (wanted && there.End > there.Start)
            {
                tiles.Add(there);
            }
            (entry[0], entry[1], entry[2]) = (firstPart, tiles.Parts - firstPart, tokens.Length);
        }
    }

    /// <summary>Fills tiles with keys or rows: in each the positions, then the parts, -1 where there is none.</summary>
    private struct PositionTiles(List<int> integers, int each)
    {
        private int _free;

        public int Count { get; private set; }

        public int Parts { get; private set; }

        /// <summary>Adds tokens: a part for every tile that they reach into.</summary>
        public void Add(TokenSpan tokens)
        {
            for (var position = tokens.Start; position < tokens.End;)
            {
                if (_free == 0)
                {
                    Begin();
                }
                var count = Math.Min(_free, tokens.End - position);
                var tile = integers.Count - 2 * each;
                for (var k = each - _free; count > 0; count--, k++, _free--, position++)
                {
                    (integers[tile + k], integers[tile + each + k]) = (position, Parts);
                }
                Parts++;
            }
        }

        /// <summary>The next position begins a new tile.</summary>
        public void Close() => _free = 0;

        private void Begin()
        {
            var first = integers.Count;
            CollectionsMarshal.SetCount(integers, first + 2 * each);
            CollectionsMarshal.AsSpan(integers)[first..].Fill(-1);
            _free = each;
            Count++;
        }
    }
}

/// <summary>The taps of one sequence of a call; First.. and ..Entries are indices into the plan's integers.</summary>
/// <param name="Sequence">Index into the call's sequences.</param>
/// <param name="FirstQuery">Query parts.</param>
/// <param name="QueryParts">Their number.</param>
/// <param name="QueryTiles">Blocks that share them: as many, or tiles of rows.</param>
/// <param name="RowsEach">Rows of a tile.</param>
/// <param name="FirstTile">Key tiles.</param>
/// <param name="Tiles">Their number.</param>
/// <param name="KeyParts">Number of key parts.</param>
/// <param name="SpanQueries">Query parts of every span: first, number, tokens.</param>
/// <param name="SingleQueries">Query parts of every single.</param>
/// <param name="SpanKeys">Key parts of every span.</param>
/// <param name="SingleKeys">Key parts of every single.</param>
internal readonly record struct TapWork(
    int Sequence, int FirstQuery, int QueryParts, int QueryTiles, int RowsEach, int FirstTile, int Tiles, int KeyParts,
    int SpanQueries, int SingleQueries, int SpanKeys, int SingleKeys);
