namespace IccEngine.Formats;

// The values of a template are .NET's null, bool, long, BigInteger (only passed through), double and string, and the types below.

/// <summary>A Python list or tuple; never changed once made.</summary>
internal sealed record TemplateList(IReadOnlyList<object?> Items, bool IsTuple = false);

/// <summary>A Python dict, in order of insertion; never changed once handed out.</summary>
internal sealed class TemplateDict
{
    private static readonly object NoneKey = new();
    private readonly OrderedDictionary<object, object?> entries = new(KeyComparer.Instance);

    public int Count => entries.Count;

    public IEnumerable<object?> Keys => entries.Keys.Select(k => ReferenceEquals(k, NoneKey) ? null : k);

    public IEnumerable<object?> Values => entries.Values;

    public IEnumerable<KeyValuePair<object?, object?>> Entries =>
        entries.Select(e => new KeyValuePair<object?, object?>(ReferenceEquals(e.Key, NoneKey) ? null : e.Key, e.Value));

    /// <summary>Whether a value can be a key here: texts, numbers, booleans and None.</summary>
    public static bool CanBeKey(object? key) => key is null or string or long or double or bool;

    public bool TryGet(object? key, out object? value)
    {
        value = null;
        return CanBeKey(key) && entries.TryGetValue(key ?? NoneKey, out value);
    }

    public void Set(object? key, object? value) => entries[key ?? NoneKey] = value;

    /// <summary>Python's equality of keys: 1, 1.0 and True are one key.</summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static KeyComparer Instance { get; } = new();

        public new bool Equals(object? x, object? y) => Normalize(x!).Equals(Normalize(y!));

        public int GetHashCode(object key) => Normalize(key).GetHashCode();

        private static object Normalize(object key) => key switch
        {
            bool b => b ? 1L : 0L,
            double d when d == Math.Floor(d) && Math.Abs(d) < 9e18 => (long)d,
            _ => key,
        };
    }
}

/// <summary>What a missing variable, key or attribute gives: prints as nothing, and almost any use of it is an error.</summary>
/// <param name="Message">What is missing.</param>
internal sealed record Undefined(string Message);

/// <summary>namespace(...): the only thing that can be changed from inside a loop.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Attributes { get; } = [];
}

/// <summary>{% macro %}, with the names it was defined among.</summary>
internal sealed record TemplateMacro(MacroStatement Definition, TemplateScope Scope);

/// <summary>A method that was looked up and not yet called: text.strip, loop.cycle.</summary>
internal sealed record BoundMethod(object Target, string Name);

/// <summary>A function that every template has, such as range.</summary>
internal sealed record GlobalFunction(string Name);

/// <summary>The variable 'loop' of a running loop.</summary>
internal sealed class LoopState(IReadOnlyList<object?> items)
{
    public int Index { get; set; }

    /// <summary>The last arguments of loop.changed.</summary>
    public IReadOnlyList<object?>? LastChanged { get; set; }

    public object? Get(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)(items.Count - Index),
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        // Only recursive loops are deeper in Jinja.
        "depth" => 1L,
        "depth0" => 0L,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("there is no next item"),
        "cycle" or "changed" => new BoundMethod(this, name),
        _ => new Undefined($"'loop' has no attribute '{name}'"),
    };
}

/// <summary>Names and their values; a name that is not here is looked for outside.</summary>
internal sealed class TemplateScope(TemplateScope? outer)
{
    private readonly Dictionary<string, object?> names = [];

    public void Set(string name, object? value) => names[name] = value;

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.names.TryGetValue(name, out value))
            {
                return true;
            }
        }
        value = null;
        return false;
    }

    private TemplateScope? Outer { get; } = outer;
}
