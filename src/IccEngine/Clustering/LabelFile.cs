using System.Globalization;
using System.Text;
using IccEngine.Core;

namespace IccEngine;

/// <summary>Labels of points that have nothing but a number.</summary>
internal static class LabelFile
{
    /// <summary>Writes a CSV file with the columns point, from 0, and cluster; whole or not at all.</summary>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<int> labels) => AtomicFile.Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine($"point,{TableClustering.ClusterColumn}");
        for (var i = 0; i < labels.Count; i++)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{i},{labels[i]}"));
        }
    });
}
