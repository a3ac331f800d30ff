using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The integers that attention_tap.cu reads of a call. Each tapped sequence has query parts (rows of one span, or one single token), key
/// tiles (keys of some key parts: those of one span in one tile, or one single token), and for its reduction the parts of every span and
/// single on both sides.
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
    private int _keysEach;
    private ulong _address;

    /// <summary>The tapped sequences that have work.</summary>
    public List<TapWork> Works => _works;

    /// <summary>Address on the device of an index into the integers.</summary>
    public ulong At(int index) => _address + (ulong)index * sizeof(int);

    /// <summary>Plans a call and sends the plan to the device.</summary>
    /// <param name="call">The call.</param>
    /// <param name="keysEach">Keys of a tile.</param>
    public void Fill(in AttentionCall call, int keysEach)
    {
        _keysEach = keysEach;
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
        var queryParts = 0;
        foreach (var span in tap.Spans)
        {
            AddRows(sequence, span, spanRows, ref queryParts);
        }
        foreach (var single in tap.Singles)
        {
            AddRows(sequence, new TokenSpan(single, single + 1), singleRows, ref queryParts);
        }

        var firstKey = _integers.Count;
        var tiles = new KeyTiles(_integers, _keysEach);
        foreach (var span in tap.Spans)
        {
            AddKeys(ref tiles, span with { End = Math.Min(span.End, sequence.Length) }, span.Length, spanKeys, _keyEntries.Count);
        }
        // Keys ascend within a tile, so singles begin a new one and come in the order of their positions.
        tiles.Close();
        var firstSingle = _keyEntries.Count;
        CollectionsMarshal.SetCount(_keyEntries, firstSingle + tap.Singles.Length * EntryInts);
        foreach (var o in tap.SinglesByPosition)
        {
            var single = new TokenSpan(tap.Singles[o], Math.Min(tap.Singles[o] + 1, sequence.Length));
            AddKeys(ref tiles, single, 1, singleKeys, firstSingle + o * EntryInts);
        }
        tiles.Close();
        if (queryParts == 0 || tiles.Parts == 0)
        {
            return;
        }
        var firstEntry = _integers.Count;
        _integers.AddRange(_queryEntries);
        _integers.AddRange(_keyEntries);
        _works.Add(new TapWork(
            index, firstQuery, queryParts, firstKey, tiles.Count, tiles.Parts,
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

    private void AddKeys(ref KeyTiles tiles, TokenSpan tokens, int length, bool wanted, int entry)
    {
        var firstPart = tiles.Parts;
        if (wanted && tokens.End > tokens.Start)
        {
            tiles.Add(tokens);
        }
        if (entry == _keyEntries.Count)
        {
            CollectionsMarshal.SetCount(_keyEntries, entry + EntryInts);
        }
        (_keyEntries[entry], _keyEntries[entry + 1], _keyEntries[entry + 2]) = (firstPart, tiles.Parts - firstPart, length);
    }

    /// <summary>Fills tiles with keys: in each the positions, then the parts, -1 where there is no key.</summary>
    private struct KeyTiles(List<int> integers, int keysEach)
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
                var tile = integers.Count - 2 * keysEach;
                for (var k = keysEach - _free; count > 0; count--, k++, _free--, position++)
                {
                    (integers[tile + k], integers[tile + keysEach + k]) = (position, Parts);
                }
                Parts++;
            }
        }

        /// <summary>The next key begins a new tile.</summary>
        public void Close() => _free = 0;

        private void Begin()
        {
            var first = integers.Count;
            CollectionsMarshal.SetCount(integers, first + 2 * keysEach);
            CollectionsMarshal.AsSpan(integers)[first..].Fill(-1);
            _free = keysEach;
            Count++;
        }
    }
}

/// <summary>The taps of one sequence of a call; First.. and ..Entries are indices into the plan's integers.</summary>
/// <param name="Sequence">Index into the call's sequences.</param>
/// <param name="FirstQuery">Query parts.</param>
/// <param name="QueryParts">Their number.</param>
/// <param name="FirstTile">Key tiles.</param>
/// <param name="Tiles">Their number.</param>
/// <param name="KeyParts">Number of key parts.</param>
/// <param name="SpanQueries">Query parts of every span: first, number, tokens.</param>
/// <param name="SingleQueries">Query parts of every single.</param>
/// <param name="SpanKeys">Key parts of every span.</param>
/// <param name="SingleKeys">Key parts of every single.</param>
internal readonly record struct TapWork(
    int Sequence, int FirstQuery, int QueryParts, int FirstTile, int Tiles, int KeyParts,
    int SpanQueries, int SingleQueries, int SpanKeys, int SingleKeys);
