using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>What a linear layer reads and writes, on the device.</summary>
/// <param name="X">Address of [rows, inputs].</param>
/// <param name="Rows">Rows of x and y.</param>
/// <param name="Weight">[outputs, inputs].</param>
/// <param name="Bias">Address of [outputs], or 0.</param>
/// <param name="Y">Address of [rows, outputs].</param>
/// <param name="Scale">Factor of the product.</param>
/// <param name="Accumulate">Whether y is added to.</param>
internal readonly record struct LinearCall(ulong X, int Rows, CudaWeight Weight, ulong Bias, ulong Y, float Scale, bool Accumulate);

/// <summary>
/// The linear layer by the kernel that suits it: few rows read the weight once (linear_few.cu); many rows go through tensor cores, both
/// sides as sums of bfloat16 (bf16_terms.cu) that are multiplied pair by pair (docs/cuda.md).
/// </summary>
/// <param name="context">The device.</param>
/// <param name="kernels">Its kernels.</param>
/// <param name="compute">F32: products of float32; BF16: of numbers rounded to it.</param>
/// <param name="cublasLibrary">Path of a library that stands for cuBLAS; null: the system's.</param>
internal sealed unsafe class CudaLinear(CudaContext context, Kernels kernels, DType compute, string? cublasLibrary) : IDisposable
{
    private const int Threads = 256;
    private const int MaxBlocks = 1 << 16;
    private const int Piece = 8;  // inputs are padded to a multiple of it: 16 bytes of bfloat16
    private const int Tile = 128; // chunks of rows and outputs are whole tiles
    private readonly TensorCoreLinear _own = new(context, kernels, compute == DType.F32);
    private readonly Lazy<Cublas?> _cublas = new(() => compute == DType.BF16 ? Cublas.TryOpen(context, cublasLibrary) : null);
    private MatrixProduct _product = MatrixProduct.Auto;
    private readonly Scratch _x = new(context, DType.BF16), _weight = new(context, DType.BF16);

    /// <summary>Most terms of x, and of the weight, that memory is taken for at a time; at least those of one tile.</summary>
    public long MostTerms { get; set; } = 1L << 26;

    /// <summary>What weights in int8 have of their own.</summary>
    public Int8Linear Int8 { get; } = new(context, kernels);

    /// <summary>What of <see cref="MatrixProduct"/> there is, besides Auto.</summary>
    public IReadOnlyList<MatrixProduct> Products =>
    [
        MatrixProduct.MmaSync, .. _own.Warpgroup.Length > 0 ? new[] { MatrixProduct.Wgmma } : [],
        .. _cublas.Value is not null ? new[] { MatrixProduct.Cublas } : [],
    ];

    /// <summary>What multiplies.</summary>
    /// <exception cref="IccDeviceException">It is not there.</exception>
    public MatrixProduct Product
    {
        get => _product;
        set => _product = value == MatrixProduct.Auto || Products.Contains(value)
            ? value
            : throw new IccDeviceException($"{context.Device}: there is no {value}; expected {MatrixProduct.Auto}, {string.Join(", ", Products)}");
    }

    /// <summary>What went wrong with a kernel that is no longer used; null where nothing did.</summary>
    public string? Failure => _own.Failure;

    /// <summary>y = scale * (x weight^T) + bias, or the same added to y.</summary>
    /// <exception cref="IccMemoryException">There is no memory for the terms.</exception>
    public void Run(in LinearCall call)
    {
        if (call.Rows <= CudaBackend.FewRows && call.Weight.Elements == DType.I8)
        {
            Int8.RunFew(call);
        }
        else if (call.Rows <= CudaBackend.FewRows)
        {
            RunFew(call);
        }
        else
        {
            RunTiles(call);
        }
    }

    public void Dispose()
    {
        if (_cublas is { IsValueCreated: true, Value: { } library })
        {
            library.Dispose();
        }
        _own.Dispose();
        _x.Dispose();
        _weight.Dispose();
    }

    private static long Blocks(long elements, int each) => (elements + each - 1) / each;

    private void RunFew(in LinearCall call)
    {
        const int threads = 128; // four warps, an output each
        var (x, w, bias, y) = (call.X, call.Weight.Address, call.Bias, call.Y);
        var (rows, inputs, outputs) = (call.Rows, call.Weight.Shape[1], call.Weight.Shape[0]);
        var (scale, accumulate) = (call.Scale, call.Accumulate ? 1 : 0);
        var parameters = stackalloc void*[] { &x, &w, &bias, &y, &rows, &inputs, &outputs, &scale, &accumulate };
        var kernel = rows == 1 ? kernels.Linear1 : kernels.Linear8;
        context.Launch(kernel.For(call.Weight.Elements), rows == 0 ? 0 : Blocks(outputs, threads / 32), 1, 1, threads, parameters);
    }

    private void RunTiles(in LinearCall call)
    {
        var (outputs, inputs) = (call.Weight.Shape[0], call.Weight.Shape[1]);
        var pairs = compute == DType.BF16 ? TermPairs.Rounded : TermPairs.Exact(call.Weight.Elements);
        var padded = (int)Blocks(inputs, Piece) * Piece;
        var asItIs = call.Weight.Elements == DType.BF16 && padded == inputs;
        var rowsAtOnce = AtOnce(pairs.XTerms, padded);
        var outputsAtOnce = asItIs ? outputs : AtOnce(pairs.WeightTerms, padded);
        for (var row = 0; row < call.Rows; row += rowsAtOnce)
        {
            var rows = Math.Min(rowsAtOnce, call.Rows - row);
            var x = Terms(DType.F32, call.X + (ulong)row * (ulong)inputs * sizeof(float), rows, inputs, padded, pairs.XTerms, _x);
            for (var output = 0; output < outputs; output += outputsAtOnce)
            {
                var some = Math.Min(outputsAtOnce, outputs - output);
                Multiply(pairs, new TiledLinear
                {
                    X = x,
                    Weight = asItIs ? call.Weight.Address : WeightTerms(call.Weight, output, some, padded, pairs.WeightTerms),
                    Bias = call.Bias == 0 ? 0 : call.Bias + (ulong)output * sizeof(float),
                    Y = call.Y + ((ulong)row * (ulong)outputs + (ulong)output) * sizeof(float),
                    Rows = rows,
                    Inputs = padded,
                    Outputs = some,
                    Stride = outputs,
                    Scale = call.Scale,
                    Accumulate = call.Accumulate ? 1 : 0,
                });
            }
        }
    }

    // Some outputs of a weight, likewise.
    private ulong WeightTerms(CudaWeight weight, int output, int outputs, int padded, int terms)
    {
        var inputs = weight.Shape[1];
        if (weight.Elements == DType.I8)
        {
            var to = _weight.Take((long)terms * outputs * padded);
            Int8.Terms(weight, output, outputs, padded, terms, to);
            return to;
        }
        var from = weight.Address + (ulong)weight.Elements.Bytes((long)output * inputs);
        return Terms(weight.Elements, from, outputs, inputs, padded, terms, _weight);
    }

    private int AtOnce(int terms, int inputs) => (int)Math.Min(1 << 24, Math.Max(1, MostTerms / ((long)terms * inputs * Tile))) * Tile;

    // rows x columns numbers as sums of bfloat16 [terms, rows, padded].
    private ulong Terms(DType type, ulong from, long rows, int columns, int padded, int terms, Scratch room)
    {
        var to = room.Take(terms * rows * padded);
        var parameters = stackalloc void*[] { &from, &to, &rows, &columns, &padded, &terms };
        var blocks = Math.Min(MaxBlocks, Blocks(rows * padded / Piece, Threads));
        context.Launch(kernels.BFloat16Terms.For(type), blocks, 1, 1, Threads, parameters);
        return to;
    }

    private void Multiply(TermPairs pairs, TiledLinear linear)
    {
        (linear.Pairs, linear.Order) = (pairs.Pairs.Length, pairs.Order);
        if (_product is MatrixProduct.Auto or MatrixProduct.Cublas && linear.Bias == 0 && _cublas.Value is { } library)
        {
            library.Multiply(linear);
        }
        else
        {
            _own.Multiply(linear, _product);
        }
    }
}
