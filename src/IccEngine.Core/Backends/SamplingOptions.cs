namespace IccEngine.Core;

/// <summary>
/// How a token is drawn, in the meaning and the order of Hugging Face's warpers: logits are divided by the temperature, then only the
/// top k, of these the top p and of these the min p stay, and one of what stays is drawn. Tokens of equal logits stay or go together.
/// A default value is no choice: its top p is 0, which is refused; see <see cref="Greedy"/>.
/// </summary>
/// <param name="Temperature">Divides the logits; 0: greedy, the first of the likeliest tokens, whatever the rest says.</param>
/// <param name="TopK">Tokens less likely than the k-th go; 0: none goes.</param>
/// <param name="TopP">A token stays where those that are likelier have together a probability below this, in (0, 1]; 1: none goes.</param>
/// <param name="MinP">Tokens less likely than this times the likeliest go, in [0, 1]; 0: none goes.</param>
public readonly record struct SamplingOptions(double Temperature, int TopK = 0, double TopP = 1, double MinP = 0)
{
    /// <summary>Always the likeliest token.</summary>
    public static SamplingOptions Greedy { get; } = new(0);

    /// <summary>Whether no number is drawn.</summary>
    public bool IsGreedy => Temperature == 0;

    /// <summary>What is wrong, in one line that names the option, or null.</summary>
    public string? Problem() =>
        !(Temperature >= 0 && double.IsFinite(Temperature)) ? $"temperature {Text(Temperature)}: expected 0 (greedy) or a positive number"
        : TopK < 0 ? $"top-k {TopK}: expected 0 (off) or a positive number"
        : !(TopP > 0 && TopP <= 1) ? $"top-p {Text(TopP)}: expected a number above 0 and at most 1 (off)"
        : !(MinP >= 0 && MinP <= 1) ? $"min-p {Text(MinP)}: expected a number from 0 (off) to 1"
        : null;

    private static string Text(double value) => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}
