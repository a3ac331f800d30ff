namespace IccEngine.Formats;

/// <summary>What one template may cost. A template comes with a model, so it is a stranger's program.</summary>
internal sealed record TemplateLimits
{
    /// <summary>The limits in force when nothing else is asked for.</summary>
    public static TemplateLimits Default { get; } = new();

    /// <summary>Characters of the template's source.</summary>
    public int Source { get; init; } = 1_000_000;

    /// <summary>Nesting of blocks and of expressions in the source; a chain such as a + b + c counts as nesting.</summary>
    public int Nesting { get; init; } = 200;

    /// <summary>Steps of one rendering: one for every node evaluated, and one for every 64 characters or list item made.</summary>
    public int Steps { get; init; } = 2_000_000;

    /// <summary>Characters of the rendered text.</summary>
    public int Output { get; init; } = 16_000_000;

    /// <summary>Characters of one string, and items of one list, that a template makes.</summary>
    public int Value { get; init; } = 16_000_000;

    /// <summary>Numbers of one range(); the limit of Jinja's own sandbox.</summary>
    public int Range { get; init; } = 100_000;

    /// <summary>Macros that have called each other, and lists that hold each other.</summary>
    public int Depth { get; init; } = 64;
}
