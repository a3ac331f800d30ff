using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The integers that kernels/tap.h and tap_reduce.cu read of a call. The positions of each tapped sequence are cut into pieces: what lies
/// in one span, single tokens, and gaps. A key part is a piece that is wanted on the side of the keys; a query part is what a tile of lanes
/// has of a piece that is wanted on the side of the queries. For the reduction every span and single has its parts on both sides.
/// </summary>
internal sealed class TapPlan(CudaContext context) : IDisposable
{
    private const int EntryInts = 3;
    private readonly IntegerTable _table = new(context);
    private readonly List<int> _integers = [];
    private readonly List<int> _sequences = [], _tiles = [], _tileParts = [], _parts = [], _partTiles = [], _pieces = [], _entries = [];
    private readonly List<TokenSpan> _spans = [];
    private readonly List<(int First, int End)> _ranges = [];
    private readonly List<TapWork> _works = [];
    private int _firstTile, _firstTileParts, _firstPart, _firstPiece, _firstEntry;
    private ulong _address;

    /// <summary>The tapped sequences that have work.</summary>
    public List<TapWork> Works => _works;

    /// <summary>Tiles of lanes to compute.</summary>
    public int Tiles => _tiles.Count / 2;

    /// <summary>The most key parts of a sequence.</summary>
    public int MostKeyParts { get; private set; }

    /// <summary>Sums that a KV head has in all sequences.</summary>
    public long SumsEach { get; private set; }

    /// <summary>Address on the device of the tiles: sequence, tile of it.</summary>
    public ulong TilesAddress => At(_firstTile);

    /// <summary>Address on the device of the integers of sequences, [n][7].</summary>
    public ulong SequencesAddress => At(0);

    /// <summary>Address on the device of the query parts of the tiles.</summary>
    public ulong TilePartsAddress => At(_firstTileParts);

    /// <summary>Address on the device of the query parts.</summary>
    public ulong PartsAddress => At(_firstPart);

    /// <summary>Address on the device of the pieces.</summary>
    public ulong PiecesAddress => At(_firstPiece);

    /// <summary>Address on the device of an entry for the reduction.</summary>
    public ulong EntryAddress(int entry) => At(_firstEntry + entry * EntryInts);

    /// <summary>Plans a call and sends the plan to the device.</summary>
    /// <param name="call">The call.</param>
    /// <param name="lanesEach">Lanes of a tile: rows times query heads of a group.</param>
    /// <param name="all">Whether tiles without taps are computed too.</param>
    public void Fill(in AttentionCall call, int lanesEach, bool all)
    {
        foreach (var list in (ReadOnlySpan<List<int>>)[_integers, _sequences, _tiles, _tileParts, _parts, _partTiles, _pieces, _entries])
        {
            list.Clear();
        }
        _works.Clear();
        (MostKeyParts, SumsEach) = (0, 0);
        var group = call.Query.Shape[1] / call.Cache.Shape.KvHeads;
        var sequences = call.Sequences.Span;
        for (var s = 0; s < sequences.Length; s++)
        {
            Add(s, sequences[s], group, lanesEach, all);
        }
        _integers.AddRange(_sequences);
        _firstTile = Append(_tiles);
        _firstTileParts = Append(_tileParts);
        _firstPart = Append(_parts);
        _firstPiece = Append(_pieces);
        _firstEntry = Append(_entries);
        _address = _table.Put(CollectionsMarshal.AsSpan(_integers));
    }

    public void Dispose() => _table.Dispose();

    private ulong At(int index) => _address + (ulong)index * sizeof(int);

    private int Append(List<int> list)
    {
        var first = _integers.Count;
        _integers.AddRange(list);
        return first;
    }

    private void Add(int index, in SequenceRows sequence, int group, int lanesEach, bool all)
    {
        var (firstPart, firstPiece, firstEntry) = (_parts.Count / 2, _pieces.Count / 2, _entries.Count / EntryInts);
        var keyParts = 0;
        if (sequence.Tap is { } tap)
        {
            var (fromSpans, fromSingles) = (!tap.SpanToSpan.IsEmpty, !tap.SingleToSpan.IsEmpty || !tap.SingleToSingle.IsEmpty);
            Cut(tap, fromSpans, fromSingles);
            AddQueryParts(sequence, group, lanesEach);
            AddEntries(tap, fromSpans, fromSingles);
            var (toSpans, toSingles) = (!tap.SpanToSpan.IsEmpty || !tap.SingleToSpan.IsEmpty, !tap.SingleToSingle.IsEmpty);
            Cut(tap, toSpans, toSingles);
            keyParts = AddKeyParts(sequence.Length);
            AddEntries(tap, toSpans, toSingles);
        }
        var queryParts = _parts.Count / 2 - firstPart;
        if (queryParts == 0 || keyParts == 0)
        {
            // Nothing of it is in this call: its tiles, if they are computed, sum up nothing.
            (queryParts, keyParts) = (0, 0);
            CollectionsMarshal.SetCount(_parts, 2 * firstPart);
            CollectionsMarshal.SetCount(_partTiles, firstPart);
            CollectionsMarshal.SetCount(_pieces, 2 * firstPiece);
            AddPiece(int.MaxValue, -1);
        }
        var planes = sequence.Tap?.PerHead == true ? group : 1;
        _sequences.AddRange([firstPiece, firstPart, queryParts, keyParts, planes > 1 ? 1 : 0, (int)SumsEach, (int)(SumsEach >> 32)]);
        AddTiles(index, sequence.RowCount, group, lanesEach, firstPart, all);
        if (queryParts > 0)
        {
            var tapped = sequence.Tap!;
            var (spans, singles) = (tapped.Spans.Length, tapped.Singles.Length);
            _works.Add(new TapWork(index, SumsEach, queryParts, keyParts, firstEntry, firstEntry + spans, firstEntry + spans + singles, firstEntry + 2 * spans + singles));
            MostKeyParts = Math.Max(MostKeyParts, keyParts);
            SumsEach += (long)planes * queryParts * keyParts;
        }
    }

    /// <summary>The pieces that are wanted, in order: spans, cut where singles are, and singles.</summary>
    private void Cut(AttentionTap tap, bool spans, bool singles)
    {
        _spans.Clear();
        var byPosition = singles ? tap.SinglesByPosition : [];
        var next = 0;
        foreach (var span in spans ? tap.Spans : [])
        {
            var start = span.Start;
            for (; next < byPosition.Length && tap.Singles[byPosition[next]] < span.End; next++)
            {
                var single = tap.Singles[byPosition[next]];
                AddSpan(start, single);
                AddSpan(single, single + 1);
                start = Math.Max(start, single + 1);
            }
            AddSpan(start, span.End);
        }
        for (; next < byPosition.Length; next++)
        {
            AddSpan(tap.Singles[byPosition[next]], tap.Singles[byPosition[next]] + 1);
        }

        void AddSpan(int start, int end)
        {
            if (start < end)
            {
                _spans.Add(new TokenSpan(start, end));
            }
        }
    }

    /// <summary>Query parts of the pieces, as far as they are rows of this call: lanes of a tile. _ranges: parts of each piece.</summary>
    private void AddQueryParts(in SequenceRows sequence, int group, int lanesEach)
    {
        _ranges.Clear();
        var firstPart = _parts.Count / 2;
        foreach (var piece in _spans)
        {
            var first = _parts.Count / 2;
            var lane = (long)(Math.Max(piece.Start, sequence.Start) - sequence.Start) * group;
            var end = (long)(Math.Min(piece.End, sequence.Length) - sequence.Start) * group;
            while (lane < end)
            {
                var tile = lane / lanesEach * lanesEach;
                var endOfTile = Math.Min(end, tile + lanesEach);
                _parts.AddRange([(int)(lane - tile), (int)(endOfTile - tile)]);
                _partTiles.Add((int)(tile / lanesEach));
                lane = endOfTile;
            }
            _ranges.Add((first - firstPart, _parts.Count / 2 - firstPart));
        }
    }

    /// <summary>Key parts of the pieces, as far as there are keys, and the gaps between. _ranges: parts of each piece.</summary>
    private int AddKeyParts(int length)
    {
        _ranges.Clear();
        var (part, position) = (0, 0);
        foreach (var piece in _spans)
        {
            if (piece.Start >= length)
            {
                _ranges.Add((part, part));
                continue;
            }
            if (piece.Start > position)
            {
                AddPiece(piece.Start, -1 - part);
            }
            position = Math.Min(piece.End, length);
            AddPiece(position, part);
            _ranges.Add((part, ++part));
        }
        AddPiece(int.MaxValue, -1 - part);
        return part;
    }

    private void AddPiece(int end, int part) => _pieces.AddRange([end, part]);

    /// <summary>First part, number of parts and tokens of every span and then of every single, from the pieces and their parts.</summary>
    private void AddEntries(AttentionTap tap, bool spans, bool singles)
    {
        var entry = _entries.Count;
        CollectionsMarshal.SetCount(_entries, entry + (tap.Spans.Length + tap.Singles.Length) * EntryInts);
        var entries = CollectionsMarshal.AsSpan(_entries)[entry..];
        var piece = 0;
        for (var s = 0; s < tap.Spans.Length; s++)
        {
            Put(entries[(s * EntryInts)..], tap.Spans[s], spans, ref piece);
        }
        piece = 0;
        foreach (var o in tap.SinglesByPosition)
        {
            Put(entries[((tap.Spans.Length + o) * EntryInts)..], new TokenSpan(tap.Singles[o], tap.Singles[o] + 1), singles, ref piece);
        }

        void Put(Span<int> entry, TokenSpan tokens, bool wanted, ref int piece)
        {
            while (wanted && piece < _spans.Count && _spans[piece].Start < tokens.Start)
            {
                piece++;
            }
            var (first, count) = (0, 0);
            for (; wanted && piece < _spans.Count && _spans[piece].End <= tokens.End; piece++)
            {
                first = count == 0 ? _ranges[piece].First : first;
                count = _ranges[piece].End - first;
            }
            (entry[0], entry[1], entry[2]) = (first, count, tokens.Length);
        }
    }

    /// <summary>Tiles of a sequence, those that see the most keys first, each with its query parts.</summary>
    private void AddTiles(int index, int rows, int group, int lanesEach, int firstPart, bool all)
    {
        var end = _parts.Count / 2;
        for (var tile = (int)(((long)rows * group - 1) / lanesEach); tile >= 0; tile--)
        {
            var first = end; // parts ascend, and so do their tiles
            while (first > firstPart && _partTiles[first - 1] == tile)
            {
                first--;
            }
            if (all || first < end)
            {
                _tiles.AddRange([index, tile]);
                _tileParts.AddRange([first, end - first]);
            }
            end = first;
        }
    }
}

/// <summary>The taps of one sequence of a call.</summary>
/// <param name="Sequence">Index into the call's sequences.</param>
/// <param name="FirstSum">Where its sums begin, for one KV head.</param>
/// <param name="QueryParts">Number of query parts.</param>
/// <param name="KeyParts">Number of key parts.</param>
/// <param name="SpanQueries">Entry of the first span's query parts.</param>
/// <param name="SingleQueries">Entry of the first single's query parts.</param>
/// <param name="SpanKeys">Entry of the first span's key parts.</param>
/// <param name="SingleKeys">Entry of the first single's key parts.</param>
internal readonly record struct TapWork(
    int Sequence, long FirstSum, int QueryParts, int KeyParts, int SpanQueries, int SingleQueries, int SpanKeys, int SingleKeys);
