namespace IccEngine.Clustering;

/// <summary>Labels numbered by first appearance: the first point has 0, a new cluster takes the next number.</summary>
internal static class FirstAppearance
{
    /// <summary>[n]: the numbers; a negative name (noise) stays as it is.</summary>
    public static int[] Number(IEnumerable<int> names)
    {
        var numbers = new Dictionary<int, int>();
        int Of(int name) => numbers.TryGetValue(name, out var known) ? known : numbers[name] = numbers.Count;
        return [.. names.Select(name => name < 0 ? name : Of(name))];
    }
}
