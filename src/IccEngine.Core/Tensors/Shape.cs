namespace IccEngine.Core;

/// <summary>Extents of a tensor of up to four dimensions, row-major. A value: making or slicing one allocates nothing.</summary>
public readonly record struct Shape
{
    private readonly int _d0, _d1, _d2, _d3;

    /// <summary>A vector.</summary>
    public Shape(int d0) => (Rank, _d0) = (1, Checked(d0));

    /// <summary>A matrix.</summary>
    public Shape(int d0, int d1) => (Rank, _d0, _d1) = (2, Checked(d0), Checked(d1));

    /// <summary>Three dimensions.</summary>
    public Shape(int d0, int d1, int d2) => (Rank, _d0, _d1, _d2) = (3, Checked(d0), Checked(d1), Checked(d2));

    /// <summary>Four dimensions.</summary>
    public Shape(int d0, int d1, int d2, int d3) =>
        (Rank, _d0, _d1, _d2, _d3) = (4, Checked(d0), Checked(d1), Checked(d2), Checked(d3));

    /// <summary>Number of dimensions, 0 for a scalar.</summary>
    public int Rank { get; }

    /// <summary>Extent of dimension <paramref name="i"/>, counted from the front.</summary>
    /// <exception cref="IndexOutOfRangeException">There is no such dimension.</exception>
    public int this[int i] => i < 0 || i >= Rank
        ? throw new IndexOutOfRangeException($"dimension {i} of a tensor of rank {Rank}")
        : i switch { 0 => _d0, 1 => _d1, 2 => _d2, _ => _d3 };

    /// <summary>Number of elements.</summary>
    public long Elements
    {
        get
        {
            long n = 1;
            for (var i = 0; i < Rank; i++)
            {
                n = checked(n * this[i]);
            }
            return n;
        }
    }

    /// <summary>Elements of one entry along the first dimension.</summary>
    public long RowElements => Rank == 0 ? 1 : _d0 == 0 ? Rows(1).Elements : Elements / _d0;

    /// <summary>The same shape with another first extent.</summary>
    public Shape Rows(int rows) => Rank switch
    {
        1 => new Shape(rows),
        2 => new Shape(rows, _d1),
        3 => new Shape(rows, _d1, _d2),
        4 => new Shape(rows, _d1, _d2, _d3),
        _ => throw new InvalidOperationException("a scalar has no rows"),
    };

    /// <summary>The shape with its first dimension taken off.</summary>
    public Shape Tail => Rank switch
    {
        1 => default,
        2 => new Shape(_d1),
        3 => new Shape(_d1, _d2),
        4 => new Shape(_d1, _d2, _d3),
        _ => throw new InvalidOperationException("a scalar has no rows"),
    };

    /// <inheritdoc/>
    public override string ToString() => Rank switch
    {
        0 => "[]",
        1 => $"[{_d0}]",
        2 => $"[{_d0}, {_d1}]",
        3 => $"[{_d0}, {_d1}, {_d2}]",
        _ => $"[{_d0}, {_d1}, {_d2}, {_d3}]",
    };

    private static int Checked(int extent) =>
        extent >= 0 ? extent : throw new ArgumentOutOfRangeException(nameof(extent), extent, "an extent is never negative");
}
