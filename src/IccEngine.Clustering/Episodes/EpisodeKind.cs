namespace IccEngine.Clustering;

/// <summary>What generated points look like.</summary>
public enum EpisodeKind
{
    /// <summary>The paper's: Student-t noise of unit scale around each centre.</summary>
    T,

    /// <summary>The paper's: exp(N(0,1)) added to the centre, not centred (mean 1.65).</summary>
    LogNormal,

    /// <summary>Normal noise of unit scale.</summary>
    Normal,

    /// <summary>Normal noise, each cluster stretched along a direction of its own.</summary>
    Anisotropic,

    /// <summary>Normal noise; each cluster a quarter as large as the one before.</summary>
    Imbalanced,

    /// <summary>Normal noise of a scale of each cluster's own, 0.2 to 5.</summary>
    Density,

    /// <summary>Rings around one centre, in a random plane.</summary>
    Rings,

    /// <summary>Half circles that reach into each other, in a random plane.</summary>
    Moons,
}
