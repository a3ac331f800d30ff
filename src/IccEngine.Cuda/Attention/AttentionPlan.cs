using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>The integers that attention.cu reads of a call: sequences, page tables, and the tiles of lanes.</summary>
internal sealed class AttentionPlan(CudaContext context) : IDisposable
{
    private const int SequenceInts = 4;
    private readonly IntegerTable _table = new(context);
    private readonly List<int> _integers = [];
    private readonly List<int> _pages = [];
    private int _firstPage, _firstTile;
    private ulong _address;

    /// <summary>Tiles of all sequences.</summary>
    public int Tiles { get; private set; }

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
    /// <param name="lanesEach">Lanes of a tile: rows times query heads of a group.</param>
    public void Fill(in AttentionCall call, int lanesEach)
    {
        _integers.Clear();
        _pages.Clear();
        var (group, pageTokens) = (call.Query.Shape[1] / call.Cache.Shape.KvHeads, call.Cache.Shape.PageTokens);
        var sequences = call.Sequences.Span;
        foreach (ref readonly var sequence in sequences)
        {
            _integers.AddRange([sequence.FirstRow, sequence.RowCount, sequence.Start, _pages.Count]);
            _pages.AddRange(sequence.Pages.Span[..((sequence.Length - 1) / pageTokens + 1)]);
        }
        _firstPage = _integers.Count;
        _integers.AddRange(_pages);
        _firstTile = _integers.Count;
        Tiles = 0;
        for (var s = 0; s < sequences.Length; s++)
        {
            // Without an output, only what a tap needs is computed.
            var lanes = call.Output.IsEmpty && sequences[s].Tap is null ? 0 : (long)sequences[s].RowCount * group;
            var tiles = checked((int)((lanes + lanesEach - 1) / lanesEach));
            for (var t = 0; t < tiles; t++)
            {
                _integers.AddRange([s, t]);
            }
            Tiles += tiles;
        }
        _address = _table.Put(CollectionsMarshal.AsSpan(_integers));
    }

    public void Dispose() => _table.Dispose();
}
