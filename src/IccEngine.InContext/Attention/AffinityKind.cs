namespace IccEngine.InContext;

/// <summary>Which attention the affinity between points is made of (the names are the paper's: I the input, O the output).</summary>
public enum AffinityKind
{
    /// <summary>A_II: from the tokens of a point to those of another one.</summary>
    II,
    /// <summary>
    /// A_OI: from the label of a point, in the model's answer, to the tokens of another point. A pair meets twice in a prompt: label j
    /// looks at point i, and label i at point j.
    /// </summary>
    OI,
    /// <summary>A_OO: from the label of a point, in the model's answer, to the label of another one.</summary>
    OO,
}

/// <summary>How the entries of a pair that meets several times, in several orders or (<see cref="AffinityKind.OI"/>) in one, become one number.</summary>
public enum Symmetrisation
{
    /// <summary>
    /// The power mean of exponent 1/4, (1/m sum a^(1/4))^4: a pair is alike where it is so in every order and either direction, and one
    /// strong entry does not outweigh the others. Of a single entry it is the entry.
    /// </summary>
    Power,
    /// <summary>The arithmetic mean.</summary>
    Mean,
}

/// <summary>What is done against entries that depend on where in the prompt points stand.</summary>
public enum PositionCorrection
{
    /// <summary>
    /// The paper's: row j is divided by (its sum + 1e-7) and multiplied by the number of points that it looks at, so that an entry is relative
    /// to looking at all of them alike: later points have more to look at, and so pay less attention to each.
    /// </summary>
    Relative,
    /// <summary>Nothing: entries are the mean attention itself.</summary>
    None,
}
