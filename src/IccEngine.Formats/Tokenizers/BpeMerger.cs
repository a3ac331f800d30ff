namespace IccEngine.Formats.Tokenizers;

/// <summary>
/// Merges the symbols of one piece: a doubly linked list of symbols and a heap of candidate merges, lowest rank first,
/// then leftmost. O(n log n) in the number of symbols. One object serves a whole Encode call; it is not shared.
/// </summary>
internal sealed class BpeMerger
{
    private struct Entry
    {
        public int Id, Start, End, Previous, Next;
    }

    private Entry[] symbols = new Entry[64];

    // Candidates as rank * 2^32 + index of the left symbol, so that their order is that of the numbers.
    private long[] heap = new long[64];
    private int heapCount;

    /// <summary>Number of symbols that were added.</summary>
    public int Count { get; private set; }

    public void Clear() => (Count, heapCount) = (0, 0);

    /// <summary>Appends a symbol for the code points [start, end) of the piece.</summary>
    public void Add(int id, int start, int end)
    {
        if (Count == symbols.Length)
        {
            Array.Resize(ref symbols, 2 * Count);
        }
        symbols[Count] = new Entry { Id = id, Start = start, End = end, Previous = Count - 1, Next = Count + 1 };
        Count++;
    }

    /// <summary>Index of the symbol after a remaining one; -1 or <see cref="Count"/> at the end.</summary>
    public int Next(int index) => symbols[index].Next;

    public (int Id, int Start, int End) Symbol(int index) => (symbols[index].Id, symbols[index].Start, symbols[index].End);

    /// <summary>Applies merges until none applies. Symbol 0 always remains.</summary>
    /// <param name="merges">Rank and result by pair.</param>
    /// <param name="results">Result by rank.</param>
    public void MergeAll(Dictionary<(int, int), BpeModel.Merge> merges, int[] results)
    {
        for (var i = 0; i + 1 < Count; i++)
        {
            Propose(i, i + 1, merges);
        }
        while (heapCount > 0)
        {
            var top = Pop();
            var left = (int)(uint)top;
            var id = results[top >> 32];
            var right = symbols[left].Next;
            // An entry is stale when its left symbol was swallowed (Next is -1), is the last, or the pair has changed.
            if (right < 0 || right >= Count || !merges.TryGetValue((symbols[left].Id, symbols[right].Id), out var merge) || merge.Id != id)
            {
                continue;
            }
            var next = symbols[right].Next;
            symbols[left].Id = id;
            symbols[left].End = symbols[right].End;
            symbols[left].Next = next;
            symbols[right].Next = -1;
            if (next < Count)
            {
                symbols[next].Previous = left;
                Propose(left, next, merges);
            }
            if (symbols[left].Previous >= 0)
            {
                Propose(symbols[left].Previous, left, merges);
            }
        }
    }

    private void Propose(int left, int right, Dictionary<(int, int), BpeModel.Merge> merges)
    {
        if (!merges.TryGetValue((symbols[left].Id, symbols[right].Id), out var merge))
        {
            return;
        }
        if (heapCount == heap.Length)
        {
            Array.Resize(ref heap, 2 * heapCount);
        }
        var key = (long)merge.Rank << 32 | (uint)left;
        var at = heapCount++;
        while (at > 0 && heap[(at - 1) / 2] > key)
        {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = key;
    }

    private long Pop()
    {
        var top = heap[0];
        var key = heap[--heapCount];
        var at = 0;
        while (2 * at + 1 < heapCount)
        {
            var child = 2 * at + 1;
            if (child + 1 < heapCount && heap[child + 1] < heap[child])
            {
                child++;
            }
            if (heap[child] >= key)
            {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = key;
        return top;
    }
}
