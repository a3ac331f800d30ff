namespace IccEngine.Cpu;

/// <summary>Which panels of outputs and which groups of rows each item of a many-row product does.</summary>
/// <param name="Panels">Panels of outputs.</param>
/// <param name="PanelGroups">Items that share the panels of one part of the rows.</param>
/// <param name="RowGroups">Groups of rows.</param>
/// <param name="RowParts">Parts of the rows.</param>
internal readonly record struct LinearPlan(int Panels, int PanelGroups, int RowGroups, int RowParts)
{
    /// <summary>Rows that are laid out at once: a block of their inputs and the sums of an item stay in the second-level cache.</summary>
    public const int ChunkRows = 512;

    /// <summary>Panels that pass by the same block of rows while it is in the cache.</summary>
    private const int MaxPanels = 4;

    /// <summary>What packing a panel costs, in rows of its multiplication.</summary>
    private const int PackingRows = 12;

    /// <summary>Rows below which a part is not split.</summary>
    private const int FewestRows = 64;

    /// <summary>Items of the product.</summary>
    public int Items => PanelGroups * RowParts;

    /// <summary>The plan that keeps the threads evenly busy: rows are split where the panels alone do not divide well.</summary>
    public static LinearPlan For(int threads, int panels, int rowGroups, int groupRows)
    {
        var rows = rowGroups * groupRows;
        var (parts, least) = (1, long.MaxValue);
        for (var p = 1; p <= 8 && (p == 1 || rows / p >= FewestRows); p *= 2)
        {
            var longest = (long)((panels * p + threads - 1) / threads) * ((rows + p - 1) / p + PackingRows);
            (parts, least) = longest < least ? (p, longest) : (parts, least);
        }
        var groups = (panels + MaxPanels - 1) / MaxPanels;
        while (groups < panels && groups * parts % threads != 0)
        {
            groups++;
        }
        return new LinearPlan(panels, groups, rowGroups, parts);
    }

    /// <summary>The panels and the groups of rows of an item.</summary>
    public (int FirstPanel, int EndPanel, int FirstGroup, int EndGroup) Item(int item)
    {
        var (part, group) = (item / PanelGroups, item % PanelGroups);
        return (Share(Panels, group, PanelGroups), Share(Panels, group + 1, PanelGroups),
            Share(RowGroups, part, RowParts), Share(RowGroups, part + 1, RowParts));
    }

    private static int Share(int count, int part, int parts) => (int)((long)count * part / parts);
}
