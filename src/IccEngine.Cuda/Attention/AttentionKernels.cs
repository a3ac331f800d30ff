using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>A form of the streaming pass: attention.cu, attention_mma.cu or attention_wgmma.cu.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Tapped">The same with taps, which gives the same outputs; null where the form has none.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Lanes">Lanes of a tile.</param>
/// <param name="BlocksEach">Blocks that a multiprocessor is to have before keys are split no further.</param>
/// <param name="SplitsKeys">Whether the keys of a tile can be split among blocks.</param>
internal readonly record struct StreamForm(Kernel Kernel, Kernel? Tapped, int Threads, int Lanes, int BlocksEach, bool SplitsKeys = true);

/// <summary>The kernels that read and write the KV cache, in forms for its type and for sizes of heads.</summary>
internal sealed class AttentionKernels
{
    /// <summary>Up to so many lanes of the longest sequence, two tiles of the kernel for few, warps share the keys of a tile, as in decode.</summary>
    public const int FewLanes = 32;

    private const int Threads = 256;
    private static readonly int[] PlainHeads = [64, 128, 256];
    private static readonly int[] TensorHeads = [64, 96, 128, 256];
    private readonly StreamForm[] _plain, _plainRounded, _many, _few;
    private readonly (Kernel F32, Kernel BF16) _rotateAndStore, _probabilities;

    /// <summary>Loads them.</summary>
    public AttentionKernels(Kernels kernels)
    {
        Kernel Load(string module, string name, int sharedBytes = 0) => kernels.Load(module, sharedBytes, name)[0];
        _rotateAndStore = (Load("rotate_and_store", "rotate_and_store_f32"), Load("rotate_and_store", "rotate_and_store_bf16"));
        _probabilities = (Load("attention_probabilities", "attention_probabilities_f32"), Load("attention_probabilities", "attention_probabilities_bf16"));
        Merge = Load("attention", "attention_merge");
        TapReduce = (Load("tap_reduce", "tap_reduce_1"), Load("tap_reduce", "tap_reduce_32"));

        // The template arguments at the end of each source.
        (_plain, _plainRounded) = (Plain("f32"), Plain("bf16"));
        _many = Array.ConvertAll(TensorHeads, h => Tensor("mma", "tapped_mma", h, h == 256 ? 64 : 128, h == 256 ? 32 : 64, 2));
        _few = Array.ConvertAll(TensorHeads, h => Tensor("few_mma", null, h, 16, 64, 4));

        StreamForm[] Plain(string type)
        {
            int[] lanes = [64, 32, 16];
            return [.. PlainHeads.Select((h, i) => new StreamForm(
                Load("attention", $"attention_{h}_{type}"), Load("attention", $"attention_tapped_{h}_{type}"), Threads, lanes[i], 2))];
        }
        StreamForm Tensor(string name, string? tapped, int headDim, int lanes, int keys, int blocksEach)
        {
            var shared = (lanes + 2 * keys) * (2 * headDim + 16);
            Kernel Form(string name) => Load("attention_mma", $"attention_{name}_{headDim}", shared);
            return new(Form(name), tapped is null ? null : Form(tapped), 128, lanes, blocksEach);
        }
    }

    /// <summary>Puts the parts of a split pass together.</summary>
    public Kernel Merge { get; }

    /// <summary>Adds up the sums of parts of spans: by a thread each pair of spans, or by a warp.</summary>
    public (Kernel ByThread, Kernel ByWarp) TapReduce { get; }

    /// <summary>Rotary embedding and the write to a cache of a type.</summary>
    public Kernel RotateAndStore(DType cache) => cache == DType.BF16 ? _rotateAndStore.BF16 : _rotateAndStore.F32;

    /// <summary>The probabilities themselves, from a cache of a type.</summary>
    public Kernel Probabilities(DType cache) => cache == DType.BF16 ? _probabilities.BF16 : _probabilities.F32;

    /// <summary>The streaming pass.</summary>
    /// <param name="headDim">Elements of a head.</param>
    /// <param name="cache">Type of the cache.</param>
    /// <param name="mostLanes">Rows of the longest sequence times query heads of a group.</param>
    public StreamForm StreamOf(int headDim, DType cache, long mostLanes) => OnTensorCores(headDim, cache) && mostLanes <= FewLanes
        ? Form(TensorHeads, _few, headDim)
        : TappedOf(headDim, cache);

    /// <summary>The streaming pass in a form that has taps.</summary>
    /// <param name="headDim">Elements of a head.</param>
    /// <param name="cache">Type of the cache.</param>
    public StreamForm TappedOf(int headDim, DType cache) => OnTensorCores(headDim, cache)
        ? Form(TensorHeads, _many, headDim)
        : Form(PlainHeads, cache == DType.BF16 ? _plainRounded : _plain, headDim);

    // Rows of a head in the cache are copied 16 bytes at a time.
    private static bool OnTensorCores(int headDim, DType cache) => cache == DType.BF16 && headDim % 8 == 0;

    private static T Form<T>(int[] heads, T[] forms, int headDim)
    {
        var form = 0;
        while (heads[form] < headDim)
        {
            form++;
        }
        return forms[form];
    }
}
