using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// Which labels the next point may take when labels are numbered by first appearance: one already seen, or the next unused number
/// while it is below k. When as many points are left as clusters unopened, each must open one, so that all k occur.
/// </summary>
public sealed class CanonicalLabels
{
    private readonly int _points;
    private int _placed;

    /// <summary>Begins with no point placed.</summary>
    /// <param name="points">The number of points, n.</param>
    /// <param name="clusters">The number of clusters, k; from 1 to n.</param>
    /// <exception cref="IccArgumentException">k out of range.</exception>
    public CanonicalLabels(int points, int clusters)
    {
        if (clusters < 1 || clusters > points)
        {
            throw new IccArgumentException($"the number of clusters must be from 1 to the number of points, {points}, found {clusters}");
        }
        _points = points;
        Clusters = clusters;
    }

    /// <summary>The number of clusters, k.</summary>
    public int Clusters { get; }

    /// <summary>How many clusters have a point so far.</summary>
    public int Opened { get; private set; }

    /// <summary>Points without a label.</summary>
    public int Remaining => _points - _placed;

    /// <summary>The labels that the next point may take.</summary>
    /// <exception cref="IccArgumentException">Every point has its label.</exception>
    public Range Allowed
    {
        get
        {
            CheckRemaining();
            var least = Remaining == Clusters - Opened ? Opened : 0;
            return least..(Math.Min(Opened, Clusters - 1) + 1);
        }
    }

    /// <summary>Gives the next point its label.</summary>
    /// <param name="label">An allowed label.</param>
    /// <exception cref="IccArgumentException">The label is not allowed, or every point has its label.</exception>
    public void Add(int label)
    {
        var (least, end) = (Allowed.Start.Value, Allowed.End.Value);
        if (label < least || label >= end)
        {
            throw new IccArgumentException($"point {_placed} cannot take the label {label}: expected {least} to {end - 1}");
        }
        _placed++;
        Opened = Math.Max(Opened, label + 1);
    }

    private void CheckRemaining()
    {
        if (Remaining == 0)
        {
            throw new IccArgumentException($"all {_points} points have their label");
        }
    }
}
