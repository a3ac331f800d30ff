namespace IccEngine.Clustering;

/// <summary>Order statistics without sorting.</summary>
internal static class Selection
{
    /// <summary>
    /// The <paramref name="rank"/>-th smallest value (0 the smallest), which reorders the values. Hoare's quickselect (1961) with the middle
    /// of three as pivot and all equal values passed over at once; O(n) on average.
    /// </summary>
    public static double Smallest(Span<double> values, int rank)
    {
        var (low, high) = (0, values.Length - 1);
        while (low < high)
        {
            var pivot = Median(values[low], values[(low + high) / 2], values[high]);
            var (less, at, greater) = (low, low, high);
            while (at <= greater)
            {
                if (values[at] < pivot)
                {
                    (values[less], values[at]) = (values[at], values[less]);
                    less++;
                    at++;
                }
                else if (values[at] > pivot)
                {
                    (values[greater], values[at]) = (values[at], values[greater]);
                    greater--;
                }
                else
                {
                    at++;
                }
            }
            if (rank >= less && rank <= greater)
            {
                return pivot;
            }
            (low, high) = rank < less ? (low, less - 1) : (greater + 1, high);
        }
        return values[low];
    }

    private static double Median(double a, double b, double c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
