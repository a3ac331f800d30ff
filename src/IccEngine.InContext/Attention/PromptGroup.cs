using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>Prompts that go through the model together, and what is read of their attention.</summary>
internal sealed class PromptGroup(CausalLM model) : IDisposable
{
    private readonly List<AttentionCapture> _captures = [];
    private readonly List<ReadOnlyMemory<int>> _ids = [];

    /// <summary>Which points stand in which order in every prompt.</summary>
    public List<int[]> Orders { get; } = [];

    /// <summary>Tokens of all prompts.</summary>
    public int Tokens { get; private set; }

    /// <summary>Adds a prompt.</summary>
    public void Add(int[] order, ReadOnlyMemory<int> ids, TapRequest request)
    {
        _captures.Add(new AttentionCapture(model, request));
        Orders.Add(order);
        _ids.Add(ids);
        Tokens += ids.Length;
    }

    /// <summary>Lets the model see the prompts.</summary>
    public void Run(LoraAdapter? adapter, Action<double> progress, CancellationToken cancellation)
    {
        using var session = new InferenceSession(model, new SessionOptions(Tokens, Orders.Count, MaxLoraRank: adapter?.Rank ?? 0));
        var inputs = _ids.Select((ids, i) => new SequenceInput(session.Begin(adapter), ids, LogitsWanted.None, _captures[i])).ToArray();
        session.Forward(inputs, new ForwardOptions { OnProgress = (done, total) => progress((double)done / total) }, cancellation);
    }

    /// <summary>The attention of a prompt in a layer: [s, s], or [heads, s, s].</summary>
    public Tensor Pooled(int prompt, int layer, AffinityKind kind) => kind switch
    {
        AffinityKind.OI => _captures[prompt].SingleToSpan(layer),
        AffinityKind.OO => _captures[prompt].SingleToSingle(layer),
        _ => _captures[prompt].SpanToSpan(layer),
    };

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _captures.ForEach(c => c.Dispose());
}
