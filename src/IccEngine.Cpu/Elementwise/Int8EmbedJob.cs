using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>y[t] = table[ids[t]] of a table in <see cref="WeightFormat.Int8"/>, a row an item.</summary>
internal readonly unsafe struct Int8EmbedJob<TOps, TV>(sbyte* table, ushort* scales, int* ids, float* y, int hidden) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var groups = Int8Matrix.GroupsOf(hidden);
        var source = table + (long)ids[item] * groups * Int8Matrix.Group;
        var factors = scales + (long)ids[item] * groups;
        var destination = y + (long)item * hidden;
        nint i = 0;
        for (; i <= hidden - TOps.Count; i += TOps.Count)
        {
            var scale = TOps.Broadcast(Int8Elements.Scale(factors[i / Int8Matrix.Group]));
            TOps.Store(TOps.Multiply(scale, TOps.LoadI8(source + i)), destination + i);
        }
        for (; i < hidden; i++)
        {
            destination[i] = source[i] * Int8Elements.Scale(factors[i / Int8Matrix.Group]);
        }
    }
}
