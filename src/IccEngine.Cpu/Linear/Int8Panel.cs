using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>How many-row products lay out weights in <see cref="WeightFormat.Int8"/>.</summary>
internal static unsafe class Int8Panel<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>panel[p, lane] = w[output + lane, input + p], zero beyond the last output.</summary>
    /// <param name="call">The weights.</param>
    /// <param name="output">First output.</param>
    /// <param name="input">First input: the first of a group.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="panel">[inputs, TileLanes]</param>
    /// <param name="square">Room for [Count, Count].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(in LinearCall call, int output, int input, int inputs, float* panel, float* square)
    {
        var width = MicroKernel<TOps, TV>.TileLanes;
        var groups = Int8Matrix.GroupsOf(call.Inputs);
        for (var lane = 0; lane < width; lane += TOps.Count)
        {
            var present = Math.Clamp(call.Outputs - output - lane, 0, TOps.Count);
            var w = (sbyte*)call.W + (long)(output + lane) * groups * Int8Matrix.Group + input;
            var scales = call.Scales + (long)(output + lane) * groups + input / Int8Matrix.Group;
            for (var p = 0; p < inputs; p += TOps.Count)
            {
                // Behind the last input of a row there are zeros to the end of its group.
                for (var r = 0; r < TOps.Count; r++)
                {
                    var at = (long)r * groups;
                    TOps.Store(
                        r < present
                            ? TOps.Multiply(TOps.Broadcast(Int8Elements.Scale(scales[at + p / Int8Matrix.Group])), TOps.LoadI8(w + at * Int8Matrix.Group + p))
                            : TOps.Zero,
                        square + r * TOps.Count);
                }
                if (p + TOps.Count <= inputs)
                {
                    TOps.Transpose(square, TOps.Count, panel + p * width + lane, width);
                    continue;
                }
                for (var i = 0; i < inputs - p; i++)
                {
                    for (var r = 0; r < TOps.Count; r++)
                    {
                        panel[(p + i) * width + lane + r] = square[r * TOps.Count + i];
                    }
                }
            }
        }
    }
}
