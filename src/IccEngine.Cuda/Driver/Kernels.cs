using System.Text;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>A kernel that is loaded.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Function">The driver's handle.</param>
/// <param name="SharedBytes">Shared memory that each launch gives it beside its own arrays.</param>
internal readonly record struct Kernel(string Name, nint Function, int SharedBytes = 0);

/// <summary>A kernel in one form for each element type of a weight.</summary>
internal readonly record struct TypedKernel(Kernel F32, Kernel BF16, Kernel F16)
{
    /// <summary>The form for weights of a type.</summary>
    public Kernel For(DType elements) => elements switch { DType.F32 => F32, DType.BF16 => BF16, _ => F16 };
}

/// <summary>A kernel in one form for matrices of float32 and one for float64.</summary>
internal readonly record struct RealKernel(Kernel F32, Kernel F64)
{
    /// <summary>The form for tensors of a type.</summary>
    public Kernel For(DType elements) => elements == DType.F64 ? F64 : F32;
}

/// <summary>A kernel whose blocks make tiles of a matrix.</summary>
/// <param name="Kernel">It.</param>
/// <param name="Rows">Rows of a tile.</param>
/// <param name="Outputs">Outputs of a tile.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="BlocksEach">Blocks that a multiprocessor runs at a time: those for which the kernel was given registers.</param>
internal readonly record struct TileKernel(Kernel Kernel, int Rows, int Outputs, int Threads, int BlocksEach)
{
    /// <summary>Tiles of a matrix, the last of a row and of a column perhaps cut off.</summary>
    public long Tiles(int rows, int outputs) => ((long)rows + Rows - 1) / Rows * (((long)outputs + Outputs - 1) / Outputs);

    /// <summary>Puts a product on the stream, the inputs split among so many blocks, each with a y of its own one after the other.</summary>
    public unsafe void Launch(CudaContext context, TiledLinear linear, int splits)
    {
        var parameters = stackalloc void*[] { &linear };
        context.Launch(Kernel, Tiles(linear.Rows, linear.Outputs), splits, 1, Threads, parameters);
    }
}

/// <summary>The kernels of kernels/*.cu: PTX that is embedded in this assembly, compiled by the driver for the device at hand.</summary>
internal sealed class Kernels
{
    /// <summary>Longest head that the attention kernels have a form for.</summary>
    public const int MaxHeadDim = 256;

    private readonly CudaContext _context;
    private readonly string _target;
    private readonly Dictionary<string, nint> _modules = [];

    /// <summary>Loads them.</summary>
    /// <exception cref="IccDeviceException">The driver does not accept them.</exception>
    public Kernels(CudaContext context)
    {
        _context = context;
        _target = context.Device.Capability >= new Version(9, 0) ? "sm_90" : "sm_80";
        Embed = Typed("embed", "embed");
        BFloat16Terms = Typed("bf16_terms", "bf16_terms");
        (LinearExact, LinearRounded) = (Tiled("f32", 1), Tiled("bf16", 2));
        LinearSum = Load("linear_sum", "linear_sum")[0];
        Linear1 = Typed("linear_few", "linear_1");
        Linear8 = Typed("linear_few", "linear_8");
        (Int8Linear1, Int8Linear8) = (Load("linear_few_int8", "linear_1_int8")[0], Load("linear_few_int8", "linear_8_int8")[0]);
        (Int8Embed, Int8Terms) = (Load("embed", "embed_int8")[0], Load("bf16_terms", "bf16_terms_int8")[0]);
        RmsNorm = Load("rmsnorm", "rmsnorm")[0];
        SiluMultiply = Load("silu_multiply", "silu_multiply")[0];
        (Sample, LogProbabilities) = (Load("sample", "sample")[0], Load("sample", "log_probabilities")[0]);
        (NearestCentre, CopyPage) = (Load("nearest_centre", "nearest_centre")[0], Load("copy_page", "copy_page")[0]);
        Attention = new AttentionKernels(this);
        (AddAffinity, AddWideAffinity) = (Real("affinity", "add_affinity"), Load("affinity", "add_affinity_f32_f64")[0]);
        (MeanAffinity, NeighbourLabels) = (Real("affinity", "mean_affinity"), Real("affinity", "neighbour_labels"));
        NormaliseAffinity = Real("affinity", "normalise_affinity");
        (RowDots, SubtractRows) = (Real("lanczos", "row_dots"), Real("lanczos", "subtract_rows"));
        DivideByNorm = Real("lanczos", "divide_by_norm");
    }

    public TypedKernel Embed { get; }

    public TypedKernel BFloat16Terms { get; }

    /// <summary>The linear layer for sums of many pairs of terms, in large tiles and small ones.</summary>
    public (TileKernel Large, TileKernel Small) LinearExact { get; }

    /// <summary>The linear layer for one pair, likewise.</summary>
    public (TileKernel Large, TileKernel Small) LinearRounded { get; }

    /// <summary>Adds up what the splits of a linear layer have summed up.</summary>
    public Kernel LinearSum { get; }

    public TypedKernel Linear1 { get; }

    public TypedKernel Linear8 { get; }

    public Kernel Int8Linear1 { get; }

    public Kernel Int8Linear8 { get; }

    public Kernel Int8Embed { get; }

    public Kernel Int8Terms { get; }

    public Kernel RmsNorm { get; }

    public Kernel SiluMultiply { get; }

    public Kernel Sample { get; }

    public Kernel LogProbabilities { get; }

    public Kernel NearestCentre { get; }

    public Kernel CopyPage { get; }

    /// <summary>What reads and writes the KV cache.</summary>
    public AttentionKernels Attention { get; }

    /// <summary>Attention and sums of one type.</summary>
    public RealKernel AddAffinity { get; }

    /// <summary>Attention of float32, sums of float64.</summary>
    public Kernel AddWideAffinity { get; }

    public RealKernel MeanAffinity { get; }

    public RealKernel NeighbourLabels { get; }

    public RealKernel NormaliseAffinity { get; }

    public RealKernel RowDots { get; }

    public RealKernel SubtractRows { get; }

    public RealKernel DivideByNorm { get; }

    /// <summary>What only a measurement uses; loaded when it is asked for.</summary>
    public Kernel Peak => Load("peak", "peak_bf16")[0];

    /// <summary>
    /// The forms of linear_wgmma.cu, the widest tiles first: for sums of many pairs of terms, and for one pair. For devices of compute
    /// capability 9.0 alone.
    /// </summary>
    /// <exception cref="IccDeviceException">The driver does not accept them.</exception>
    public (TileKernel[] Exact, TileKernel[] Rounded) LoadWarpgroup()
    {
        return ([Of(128, "f32")], [Of(256, "bf16"), Of(128, "bf16")]);

        // Four stages of 128 bytes of each row of both sides.
        TileKernel Of(int outputs, string sums) =>
            new(Load("sm_90a", "linear_wgmma", 4 * 128 * (128 + outputs), $"linear_wgmma_{outputs}_{sums}")[0], 128, outputs, 256, 1);
    }

    /// <summary>The forms of attention_wgmma.cu, for heads of up to 64 and up to 128 elements. For devices of compute capability 9.0 alone.</summary>
    /// <exception cref="IccDeviceException">The driver does not accept them.</exception>
    public StreamForm[] LoadWarpgroupAttention()
    {
        return [Of(64), Of(128)];

        // Queries, and three stages of keys and of values, 128 rows each; 12 barriers and 128 factors; with taps room for sums, which is
        // that of the queries where they are long enough.
        StreamForm Of(int headDim)
        {
            var shared = 7 * 128 * 2 * headDim + 12 * sizeof(long) + 128 * sizeof(float);
            var tapped = shared + (headDim == 64 ? 32 * 129 * sizeof(float) : 0);
            Kernel Form(string name, int bytes) => Load("sm_90a", "attention_wgmma", bytes, $"attention_{name}_{headDim}")[0];
            return new StreamForm(Form("wgmma", shared), Form("tapped_wgmma", tapped), 384, 128, 1, SplitsKeys: false);
        }
    }

    // Four stages of 64 bytes of each row of both sides: linear_mma.cu.
    private (TileKernel Large, TileKernel Small) Tiled(string sums, int largeEach)
    {
        return (Of(128, 256, largeEach), Of(64, 128, 4));

        TileKernel Of(int side, int threads, int each) =>
            new(Load("linear_mma", 4 * 64 * 2 * side, $"linear_mma_{side}_{sums}")[0], side, side, threads, each);
    }

    private TypedKernel Typed(string module, string kernel)
    {
        var forms = Load(module, $"{kernel}_f32", $"{kernel}_bf16", $"{kernel}_f16");
        return new TypedKernel(forms[0], forms[1], forms[2]);
    }

    private RealKernel Real(string module, string kernel)
    {
        var forms = Load(module, $"{kernel}_f32", $"{kernel}_f64");
        return new RealKernel(forms[0], forms[1]);
    }

    /// <summary>Kernels of a module.</summary>
    public Kernel[] Load(string module, params string[] kernels) => Load(module, 0, kernels);

    /// <summary>Kernels that take shared memory of a size that the launch gives.</summary>
    public Kernel[] Load(string module, int sharedBytes, params string[] kernels) => Load(_target, module, sharedBytes, kernels);

    private Kernel[] Load(string target, string module, int sharedBytes, params string[] kernels)
    {
        if (!_modules.TryGetValue(module, out var handle))
        {
            _modules[module] = handle = LoadModule($"ptx/{target}/{module}.ptx");
        }
        return Array.ConvertAll(kernels, k => new Kernel(k, _context.Function(handle, Encoding.ASCII.GetBytes(k + '\0'), sharedBytes), sharedBytes));
    }

    private nint LoadModule(string resource)
    {
        using var stream = typeof(Kernels).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the program was built without its resource {resource}");
        var ptx = new byte[stream.Length + 1]; // ends with a zero, as the driver expects of a text
        stream.ReadExactly(ptx.AsSpan(..^1));
        return _context.LoadModule(resource, ptx);
    }
}
