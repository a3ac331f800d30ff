namespace IccEngine.Models;

/// <summary>
/// The modules that an adapter can change, numbered, under their names in the Hugging Face models (without the ".weight").
/// </summary>
internal sealed class ModuleNames
{
    /// <summary>Number of the token embedding.</summary>
    public const int Embedding = 0;

    private static readonly string[] OfLayer =
    [
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
    ];

    private readonly Dictionary<string, int> _indices = [];

    public ModuleNames(int layers)
    {
        Names =
        [
            "model.embed_tokens",
            .. Enumerable.Range(0, layers).SelectMany(i => OfLayer.Select(m => $"model.layers.{i}.{m}")),
            "lm_head",
        ];
        for (var i = 0; i < Names.Count; i++)
        {
            _indices[Names[i]] = i;
        }
    }

    /// <summary>All names; the position is the number.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of the output layer.</summary>
    public int Head => Names.Count - 1;

    /// <summary>Number of a module, or -1.</summary>
    public int IndexOf(string name) => _indices.GetValueOrDefault(name, -1);
}
