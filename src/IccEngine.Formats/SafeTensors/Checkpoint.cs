using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// The weights of a model in the layout of the Hugging Face hub: one safetensors file, or several with an index. As in the transformers
/// library every tensor of every shard counts, whether the index names it or not; where two shards have the same name the index decides.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>Name of the only file of a small model.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>Name of the index of a sharded model.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private readonly Dictionary<string, HostTensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<SafeTensorsFile> _files = [];

    private Checkpoint(string path) => Path = path;

    /// <summary>The file or index that was opened.</summary>
    public string Path { get; }

    /// <summary>The files the tensors lie in.</summary>
    public IReadOnlyList<SafeTensorsFile> Files => _files;

    /// <summary>All tensors; valid until this object is disposed.</summary>
    public IReadOnlyCollection<HostTensor> Tensors => _tensors.Values;

    /// <summary>Opens a model's folder, a safetensors file or an index.</summary>
    /// <exception cref="IccFormatException">There are no weights there, or a file breaks a rule of its format.</exception>
    public static Checkpoint Open(string folderOrFile)
    {
        var path = Locate(folderOrFile);
        var checkpoint = new Checkpoint(path);
        try
        {
            if (path.EndsWith(".json", StringComparison.Ordinal))
            {
                checkpoint.AddShards();
            }
            else
            {
                checkpoint.AddFile(path, SafeTensorsFile.Open(path));
            }
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The weights of a model in memory: one whole safetensors file.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="bytes">The file.</param>
    /// <exception cref="IccFormatException">It breaks a rule of the format.</exception>
    public static Checkpoint Parse(string name, byte[] bytes)
    {
        var checkpoint = new Checkpoint(name);
        checkpoint.AddFile(name, SafeTensorsFile.Parse(name, bytes));
        return checkpoint;
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="IccFormatException">The checkpoint has none.</exception>
    public HostTensor Get(string name) =>
        _tensors.TryGetValue(name, out var tensor) ? tensor : throw new IccFormatException(Path, $"tensor '{name}': not in the checkpoint");

    /// <summary>The tensor of that name, where there is one.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out HostTensor? tensor) => _tensors.TryGetValue(name, out tensor);

    /// <summary>Unmaps the files; no tensor of them may be used afterwards.</summary>
    public void Dispose() => _files.ForEach(f => f.Dispose());

    private static string Locate(string folderOrFile)
    {
        if (!Directory.Exists(folderOrFile))
        {
            return folderOrFile;
        }
        foreach (var name in (string[])[SingleName, IndexName])
        {
            var path = System.IO.Path.Combine(folderOrFile, name);
            if (File.Exists(path))
            {
                return path;
            }
        }
        var pickled = Directory.EnumerateFiles(folderOrFile, "*.bin").Order(StringComparer.Ordinal).FirstOrDefault();
        throw new IccFormatException(folderOrFile, $"found neither {SingleName} nor {IndexName}"
            + (pickled is null ? "" : $" (pickled weights like {System.IO.Path.GetFileName(pickled)} are not read; convert them to safetensors)"));
    }

    private void AddFile(string path, SafeTensorsFile file, IReadOnlyDictionary<string, string>? index = null)
    {
        _files.Add(file);
        foreach (var tensor in file.Tensors)
        {
            var here = System.IO.Path.GetFileName(path);
            if (index is not null && index.TryGetValue(tensor.Name, out var named) && named != here)
            {
                continue;
            }
            if (!_tensors.TryAdd(tensor.Name, tensor))
            {
                throw new IccFormatException(Path, $"tensor '{tensor.Name}': in two shards, and the index does not say which counts");
            }
        }
    }

    private void AddShards()
    {
        var folder = System.IO.Path.GetDirectoryName(Path) ?? "";
        var index = ReadIndex();
        foreach (var shard in index.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var path = System.IO.Path.Combine(folder, shard);
            if (!File.Exists(path))
            {
                throw new IccFormatException(Path, $"shard '{shard}': no such file beside the index");
            }
            AddFile(path, SafeTensorsFile.Open(path), index);
        }
        foreach (var (name, shard) in index)
        {
            if (!_tensors.ContainsKey(name))
            {
                throw new IccFormatException(Path, $"tensor '{name}': not in shard '{shard}', where the index places it");
            }
        }
    }

    private Dictionary<string, string> ReadIndex()
    {
        using var document = JsonFile.Read(Path, SafeTensorsHeader.MaxLength);
        if (!document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new IccFormatException(Path, "expected an object under 'weight_map'");
        }
        var index = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in map.EnumerateObject())
        {
            var name = JsonFile.NameOf(Path, property);
            var shard = JsonFile.TextOf(Path, $"tensor '{name}'", property.Value);
            if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny("/\\:\0") >= 0)
            {
                throw new IccFormatException(Path, $"tensor '{name}': found the shard name '{shard}', expected the plain name of a file beside the index");
            }
            index.Add(name, shard);
        }
        return index.Count > 0 ? index : throw new IccFormatException(Path, "'weight_map' names no tensor");
    }
}
