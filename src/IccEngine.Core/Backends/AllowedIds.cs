namespace IccEngine.Core;

/// <summary>Which tokens may be chosen, or are asked about: all, the same for every row, or some for each row.</summary>
public readonly ref struct AllowedIds
{
    /// <summary>The same ids for every row.</summary>
    /// <param name="ids">Ascending, all different; empty: all.</param>
    public AllowedIds(ReadOnlySpan<int> ids) => Ids = ids;

    /// <summary>Ids for each row.</summary>
    /// <param name="ids">Those of the first row, then those of the second, ..; of a row ascending, all different.</param>
    /// <param name="ends">[rows]: how many ids there are up to the end of each row; every row has at least one.</param>
    public AllowedIds(ReadOnlySpan<int> ids, ReadOnlySpan<int> ends)
    {
        Ids = ids;
        Ends = ends;
    }

    /// <summary>The ids; empty: all.</summary>
    public ReadOnlySpan<int> Ids { get; }

    /// <summary>[rows]: where the ids of each row end; empty: every row has all of <see cref="Ids"/>.</summary>
    public ReadOnlySpan<int> Ends { get; }

    /// <summary>The ids of a row; empty: all.</summary>
    public ReadOnlySpan<int> Of(int row) => Ends.IsEmpty ? Ids : Ids[(row == 0 ? 0 : Ends[row - 1])..Ends[row]];

    /// <summary>The same ids for every row.</summary>
    public static implicit operator AllowedIds(ReadOnlySpan<int> ids) => new(ids);

    /// <summary>The same ids for every row.</summary>
    public static implicit operator AllowedIds(int[] ids) => new(ids);
}
