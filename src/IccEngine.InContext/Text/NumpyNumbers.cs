using System.Globalization;
using System.Numerics;

namespace IccEngine.InContext;

/// <summary>The words that numpy prints for the floats of an array: one format for all of them.</summary>
internal static class NumpyNumbers
{
    private const int Precision = 2;

    /// <summary>A finite number as the shortest decimal digits that read back: 0.Digits times 10 to the power Exponent + 1.</summary>
    private readonly record struct Decimals(bool IsNegative, string Digits, int Exponent);

    /// <summary>The words of doubles already rounded to two decimals.</summary>
    public static string[] Words(double[] values) =>
        Words(values, Array.ConvertAll(values, v => v.ToString("R", CultureInfo.InvariantCulture)), scientificFrom: 1e8);

    /// <summary>The words of floats already rounded to two decimals; scientific from 1e6 on, the precision of the type.</summary>
    public static string[] Words(float[] values) =>
        Words(Array.ConvertAll(values, v => (double)v), Array.ConvertAll(values, v => v.ToString("R", CultureInfo.InvariantCulture)), scientificFrom: 1e6);

    /// <summary>The words of integers, right-aligned.</summary>
    public static string[] Words(long[] values)
    {
        var words = Array.ConvertAll(values, v => v.ToString(CultureInfo.InvariantCulture));
        var width = words.Max(w => w.Length);
        return Array.ConvertAll(words, w => w.PadLeft(width));
    }

    private static string[] Words(double[] values, string[] shortest, double scientificFrom)
    {
        var finite = values.Any(v => double.IsFinite(v) && Math.Abs(v) >= scientificFrom)
            ? values.Select((v, i) => double.IsFinite(v) ? Scientific(Round(v, Parse(shortest[i]))) : default).ToArray()
            : values.Select((v, i) => double.IsFinite(v) ? Plain(Parse(shortest[i])) : default).ToArray();
        // Widths of what stands before and behind the point, over the whole array.
        var fraction = finite.Max(f => f.Fraction?.Length ?? 0);
        var tail = finite.Max(f => f.Power?.Length ?? 0);
        var whole = finite.Max(f => f.Whole?.Length ?? 0);
        var isScientific = tail > 0;
        var hasFinite = whole > 0;
        var behind = hasFinite ? fraction + tail : 0;
        foreach (var value in values.Where(v => !double.IsFinite(v)))
        {
            whole = Math.Max(whole, NonFinite(value).Length - behind - 1);
        }
        return [.. values.Select((value, i) =>
        {
            if (!double.IsFinite(value))
            {
                return NonFinite(value).PadLeft(whole + 1 + behind);
            }
            var (before, after, power) = finite[i];
            return isScientific
                ? $"{before!.PadLeft(whole)}.{after!.PadRight(fraction, '0')}e{power![1]}{power[2..].PadLeft(tail - 2, '0')}"
                : $"{before!.PadLeft(whole)}.{after!.PadRight(fraction)}";
        })];
    }

    private static string NonFinite(double value) => double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

    private static (string? Whole, string? Fraction, string? Power) Plain(Decimals number)
    {
        var digits = number.Exponent < 0 ? new string('0', -number.Exponent) + number.Digits : number.Digits.PadRight(number.Exponent + 1, '0');
        var point = Math.Max(number.Exponent, 0) + 1;
        return ((number.IsNegative ? "-" : "") + digits[..point], digits[point..].TrimEnd('0'), null);
    }

    private static (string? Whole, string? Fraction, string? Power) Scientific(Decimals number) =>
        ((number.IsNegative ? "-" : "") + number.Digits[0], number.Digits[1..].TrimEnd('0'),
            $"e{(number.Exponent < 0 ? '-' : '+')}{Math.Abs(number.Exponent):00}");

    /// <summary>Reads what ToString("R") wrote: plain or with an exponent.</summary>
    private static Decimals Parse(string text)
    {
        var isNegative = text[0] == '-';
        var power = text.IndexOf('E');
        var mantissa = (power < 0 ? text : text[..power])[(isNegative ? 1 : 0)..];
        var point = mantissa.IndexOf('.') < 0 ? mantissa.Length : mantissa.IndexOf('.');
        var all = mantissa.Replace(".", "");
        var zeros = all.Length - all.TrimStart('0').Length;
        var digits = all.Trim('0');
        return digits.Length == 0
            ? new Decimals(isNegative, "0", 0)
            : new Decimals(isNegative, digits, point - 1 - zeros + (power < 0 ? 0 : int.Parse(text.AsSpan(power + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)));
    }

    /// <summary>
    /// The number with at most two digits behind the first: the exact binary value is rounded, half to even, unless the
    /// shortest digits are no more than that.
    /// </summary>
    private static Decimals Round(double value, Decimals shortest)
    {
        if (shortest.Digits.Length <= Precision + 1)
        {
            return shortest;
        }
        var bits = BitConverter.DoubleToInt64Bits(Math.Abs(value));
        var binaryExponent = (int)(bits >> 52);
        var numerator = new BigInteger((bits & 0xfffffffffffff) | (binaryExponent == 0 ? 0 : 1L << 52));
        var shift = Math.Max(binaryExponent, 1) - 1075;
        var denominator = BigInteger.One;
        numerator *= shift > 0 ? BigInteger.One << shift : 1;
        denominator *= shift < 0 ? BigInteger.One << -shift : 1;
        var scale = Precision - shortest.Exponent;
        numerator *= scale > 0 ? BigInteger.Pow(10, scale) : 1;
        denominator *= scale < 0 ? BigInteger.Pow(10, -scale) : 1;
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var half = (rest * 2).CompareTo(denominator);
        quotient += half > 0 || (half == 0 && !quotient.IsEven) ? 1 : 0;
        var digits = quotient.ToString(CultureInfo.InvariantCulture);
        return new Decimals(shortest.IsNegative, digits, shortest.Exponent + digits.Length - Precision - 1);
    }
}
