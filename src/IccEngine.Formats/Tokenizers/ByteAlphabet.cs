namespace IccEngine.Formats.Tokenizers;

/// <summary>
/// The printable character that byte-level BPE (GPT-2) writes for every byte: itself for the visible characters of
/// Latin-1, and U+0100 upwards, in order, for the 68 others.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] ToCharacter = new char[256];
    private static readonly short[] ToByte = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(ToByte, (short)-1);
        var next = 0x100;
        for (var b = 0; b < 256; b++)
        {
            var visible = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            ToCharacter[b] = (char)(visible ? b : next++);
            ToByte[ToCharacter[b]] = (short)b;
        }
    }

    public static char Character(byte value) => ToCharacter[value];

    /// <summary>The byte that a character stands for, -1 where it stands for none.</summary>
    public static int Byte(char character) => character < ToByte.Length ? ToByte[character] : -1;
}
