namespace IccEngine.InContext;

/// <summary>An answer in the tokens that the model wrote, forced ones included.</summary>
/// <param name="Ids">Token ids, from behind the prompt.</param>
/// <param name="LabelTokens">[n]: place in the ids of the token with the last digit of every label.</param>
internal sealed record WrittenAnswer(int[] Ids, int[] LabelTokens);
