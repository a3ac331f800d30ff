using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>The integers that the streaming pass reads of a call: sequences, page tables, and the tiles of lanes.</summary>
internal sealed class AttentionPlan(CudaContext context) : IDisposable
{
    private const int SequenceInts = 4;
    private const int KeysEach = 64;   // of a split: fewer are not worth the merge
    private readonly IntegerTable _table = new(context);
    private readonly List<int> _integers = [];
    private readonly List<int> _pages = [];
    private int _firstPage, _firstTile;
    private ulong _address;

    /// <summary>Tiles to compute.</summary>
    public int Tiles { get; private set; }

    /// <summary>
    /// Blocks among which the keys of a tile are split. It depends on the sequences and the device alone, and not on what is wanted of
    /// them, so that outputs get the same bits with and without taps.
    /// </summary>
    public int Splits { get; private set; }

    /// <summary>Address on the device of the sequences.</summary>
    public ulong SequencesAddress => _address;

    /// <summary>Address on the device of all page tables.</summary>
    public ulong PagesAddress => _address + (ulong)_firstPage * sizeof(int);

    /// <summary>Address on the device of the tiles.</summary>
    public ulong TilesAddress => _address + (ulong)_firstTile * sizeof(int);

    /// <summary>Address on the device of a sequence's page table.</summary>
    public ulong PagesOf(int sequence) => PagesAddress + (ulong)_integers[sequence * SequenceInts + 3] * sizeof(int);

    /// <summary>Plans a call and sends the plan to the device.</summary>
    /// <param name="call">The call.</param>
    /// <param name="form">The kernel. Lanes of its tiles are rows times query heads of a group.</param>
    public void Fill(in AttentionCall call, in StreamForm form)
    {
        var lanesEach = form.Lanes;
        _integers.Clear();
        _pages.Clear();
        var (group, pageTokens) = (call.Query.Shape[1] / call.Cache.Shape.KvHeads, call.Cache.Shape.PageTokens);
        var sequences = call.Sequences.Span;
        foreach (ref readonly var sequence in sequences)
        {
            ReadOnlySpan<int> entry = [sequence.FirstRow, sequence.RowCount, sequence.Start, _pages.Count];
            _integers.AddRange(entry); // a span: a list of its own would be made for each call
            _pages.AddRange(sequence.Pages.Span[..((sequence.Length - 1) / pageTokens + 1)]);
        }
        _firstPage = _integers.Count;
        _integers.AddRange(_pages);
        _firstTile = _integers.Count;
        Tiles = 0;
        var mostKeys = 0;
        for (var s = 0; s < sequences.Length; s++)
        {
            var tiles = checked((int)(((long)sequences[s].RowCount * group + lanesEach - 1) / lanesEach));
            mostKeys = Math.Max(mostKeys, sequences[s].Length);
            for (var t = tiles - 1; t >= 0; t--) // those that see the most keys come first, so that the device does not wait for them
            {
                ReadOnlySpan<int> entry = [s, t];
                _integers.AddRange(entry);
            }
            Tiles += tiles;
        }
        var blocks = Math.Max(1L, (long)Tiles * call.Cache.Shape.KvHeads);
        Splits = form.SplitsKeys ? (int)Math.Clamp(form.BlocksEach * context.Multiprocessors / blocks, 1, (mostKeys - 1) / KeysEach + 1) : 1;
        _address = _table.Put(CollectionsMarshal.AsSpan(_integers));
    }

    public void Dispose() => _table.Dispose();
}
