using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>Which pages of a KV cache are free, and how many sequences have the others.</summary>
internal sealed class PagePool
{
    private readonly Stack<int> _free;
    private readonly int[] _users;
    private readonly int _pageTokens;

    public PagePool(KvShape shape)
    {
        _pageTokens = shape.PageTokens;
        _free = new Stack<int>(shape.Pages);
        _users = new int[shape.Pages];
        for (var page = shape.Pages - 1; page >= 0; page--)
        {
            _free.Push(page);
        }
    }

    /// <summary>Pages that the sequence needs beside its own to hold <paramref name="length"/> tokens; negative where it has more.</summary>
    public int PagesMissing(Sequence sequence, int length) => (length + _pageTokens - 1) / _pageTokens - sequence.PageCount;

    /// <summary>Pages that nobody has.</summary>
    public int Free => _free.Count;

    /// <summary>Gives the sequence pages for <paramref name="length"/> tokens.</summary>
    public void Grow(Sequence sequence, int length)
    {
        for (var missing = PagesMissing(sequence, length); missing > 0; missing--)
        {
            var page = _free.Pop();
            _users[page] = 1;
            sequence.AddPage(page);
        }
    }

    /// <summary>Gives a sequence without pages the first full pages of another one, which have every token before its last page begun.</summary>
    public void Share(Sequence from, Sequence to)
    {
        foreach (var page in from.Pages.Span[..(from.Length / _pageTokens)])
        {
            _users[page]++;
            to.AddPage(page);
        }
    }

    /// <summary>Takes the pages of the sequence back; those that no other one has are free.</summary>
    public void Release(Sequence sequence)
    {
        // The first ones are the next to be taken: they have memory already, which the last may lack where it ran out.
        var pages = sequence.Pages.Span;
        for (var i = pages.Length - 1; i >= 0; i--)
        {
            if (--_users[pages[i]] == 0)
            {
                _free.Push(pages[i]);
            }
        }
        sequence.Clear();
    }
}
