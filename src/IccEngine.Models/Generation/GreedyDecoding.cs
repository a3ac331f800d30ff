using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>Greedy decoding: always the most likely token.</summary>
public static class GreedyDecoding
{
    /// <summary>Continues a sequence, token by token.</summary>
    /// <param name="session">A session with room for the prompt and the new tokens.</param>
    /// <param name="sequence">The sequence that the prompt continues.</param>
    /// <param name="prompt">Ids, at least one.</param>
    /// <param name="maxNewTokens">Tokens at most.</param>
    /// <param name="stopIds">Ids that end the answer; the one that does is given too.</param>
    /// <param name="options">What the prefill hands over on its way.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>New ids, as they come.</returns>
    /// <exception cref="IccArgumentException">No room, or a token that the model does not have.</exception>
    public static IEnumerable<int> Generate(
        InferenceSession session, Sequence sequence, ReadOnlyMemory<int> prompt, int maxNewTokens,
        IReadOnlyCollection<int> stopIds, ForwardOptions? options = null, CancellationToken cancellation = default)
    {
        var next = new int[1];
        for (var i = 0; i < maxNewTokens; i++)
        {
            session.Forward([new SequenceInput(sequence, i == 0 ? prompt : next)], i == 0 ? options : null, cancellation);
            session.Model.Backend.ArgMax(session.LastLogits(0), [], next);
            yield return next[0];
            if (stopIds.Contains(next[0]))
            {
                yield break;
            }
        }
    }
}
