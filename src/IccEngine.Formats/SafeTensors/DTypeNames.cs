using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>The names that the safetensors format gives to element types, in its own order.</summary>
internal static class DTypeNames
{
    // The order of the format's own list, which grows with the alignment: its writer sorts tensors by it, last one first.
    private static readonly (DType Type, string Name)[] Order =
    [
        (DType.Bool, "BOOL"), (DType.F4, "F4"), (DType.F6E2M3, "F6_E2M3"), (DType.F6E3M2, "F6_E3M2"), (DType.U8, "U8"), (DType.I8, "I8"),
        (DType.F8E5M2, "F8_E5M2"), (DType.F8E4M3, "F8_E4M3"), (DType.F8E8M0, "F8_E8M0"), (DType.F8E4M3Fnuz, "F8_E4M3FNUZ"),
        (DType.F8E5M2Fnuz, "F8_E5M2FNUZ"), (DType.I16, "I16"), (DType.U16, "U16"), (DType.F16, "F16"), (DType.BF16, "BF16"),
        (DType.I32, "I32"), (DType.U32, "U32"), (DType.F32, "F32"), (DType.C64, "C64"), (DType.F64, "F64"), (DType.I64, "I64"),
        (DType.U64, "U64"),
    ];

    private static readonly Dictionary<string, DType> ByName = Order.ToDictionary(o => o.Name, o => o.Type);

    private static readonly Dictionary<DType, int> Ranks = Order.Select((o, i) => (o.Type, i)).ToDictionary(o => o.Type, o => o.i);

    /// <summary>The type of that name, where there is one.</summary>
    public static bool TryParse(string name, out DType dtype) => ByName.TryGetValue(name, out dtype);

    /// <summary>The format's name of a type.</summary>
    public static string NameOf(DType dtype) => Order[Ranks[dtype]].Name;

    /// <summary>Place in the format's order.</summary>
    public static int RankOf(DType dtype) => Ranks[dtype];
}
