using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>A form of the streaming pass: attention.cu or attention_mma.cu.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Lanes">Lanes of a tile.</param>
/// <param name="BlocksEach">Blocks that a multiprocessor is to have before keys are split no further.</param>
internal readonly record struct StreamForm(Kernel Kernel, int Threads, int Lanes, int BlocksEach);

/// <summary>A form of the pass over tapped rows and keys: attention_tap.cu or attention_tap_mma.cu.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Keys">Keys of a tile.</param>
/// <param name="Lanes">Lanes of a tile of attention_tap_mma.cu, which wants the queries rounded; 0: attention_tap.cu.</param>
internal readonly record struct TapForm(Kernel Kernel, int Threads, int Keys, int Lanes);

/// <summary>The kernels that read and write the KV cache, in forms for its type and for sizes of heads.</summary>
internal sealed class AttentionKernels
{
    private const int Threads = 256;
    private const int FewLanes = 32; // two tiles of the kernel for few lanes
    private static readonly int[] PlainHeads = [64, 128, 256];
    private static readonly int[] TensorHeads = [64, 96, 128, 256];
    private readonly StreamForm[] _plain, _plainRounded, _many, _few;
    private readonly TapForm[] _tap, _tapRounded, _tapMany;
    private readonly (Kernel F32, Kernel BF16) _rotateAndStore, _probabilities;

    /// <summary>Loads them.</summary>
    public AttentionKernels(Kernels kernels, CudaDevice device)
    {
        Kernel Load(string module, string name, int sharedBytes = 0) => kernels.Load(module, sharedBytes, name)[0];
        _rotateAndStore = (Load("rotate_and_store", "rotate_and_store_f32"), Load("rotate_and_store", "rotate_and_store_bf16"));
        _probabilities = (Load("attention_probabilities", "attention_probabilities_f32"), Load("attention_probabilities", "attention_probabilities_bf16"));
        Merge = Load("attention", "attention_merge");
        TapReduce = (Load("attention_tap", "attention_tap_reduce_1"), Load("attention_tap", "attention_tap_reduce_32"));

        // The template arguments at the end of each source.
        (_plain, _plainRounded) = (Plain("f32"), Plain("bf16"));
        (_tap, _tapRounded) = (PlainTap("f32"), PlainTap("bf16"));
        _many = Array.ConvertAll(TensorHeads, h => Tensor("", h, h == 256 ? 64 : 128, h == 256 ? 32 : 64, 2));
        _few = Array.ConvertAll(TensorHeads, h => Tensor("few_", h, 16, 64, 4));
        // Shared memory that a block may have: 163 KiB or more, or 99 (CUDA C++ Programming Guide, "Technical Specifications").
        var large = device.Capability is { Major: 8, Minor: 0 or 7 } or { Major: > 8 and < 12 };
        _tapMany = Array.ConvertAll(TensorHeads, h => TensorTap(h, (large ? 128 : 64) / (h == 256 ? 2 : 1)));

        StreamForm[] Plain(string type)
        {
            int[] lanes = [64, 32, 16];
            return [.. PlainHeads.Select((h, i) => new StreamForm(Load("attention", $"attention_{h}_{type}"), Threads, lanes[i], 2))];
        }
        TapForm[] PlainTap(string type)
        {
            int[] keys = [32, 32, 16];
            return [.. PlainHeads.Select((h, i) => new TapForm(Load("attention_tap", $"attention_tap_{h}_{type}"), Threads, keys[i], 0))];
        }
        StreamForm Tensor(string few, int headDim, int lanes, int keys, int blocksEach) => new(
            Load("attention_mma", $"attention_{few}mma_{headDim}", (lanes + 2 * keys) * RowBytes(headDim)), 128, lanes, blocksEach);
        TapForm TensorTap(int headDim, int side) => new(
            Load("attention_tap_mma", $"attention_tap_mma_{headDim}_{(large ? "large" : "small")}", 4 * side * RowBytes(headDim)), 2 * side, side, side);
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
    public StreamForm StreamOf(int headDim, DType cache, long mostLanes)
    {
        if (!OnTensorCores(headDim, cache))
        {
            return Form(PlainHeads, cache == DType.BF16 ? _plainRounded : _plain, headDim);
        }
        return Form(TensorHeads, mostLanes <= FewLanes ? _few : _many, headDim);
    }

    /// <summary>The pass over tapped rows and keys.</summary>
    public TapForm TapOf(int headDim, DType cache) => OnTensorCores(headDim, cache)
        ? Form(TensorHeads, _tapMany, headDim)
        : Form(PlainHeads, cache == DType.BF16 ? _tapRounded : _tap, headDim);

    // Rows of a head in the cache are copied 16 bytes at a time.
    private static bool OnTensorCores(int headDim, DType cache) => cache == DType.BF16 && headDim % 8 == 0;

    private static int RowBytes(int headDim) => 2 * headDim + 16;

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
