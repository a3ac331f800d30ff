namespace IccEngine.Cuda;

/// <summary>What multiplies the matrices of linear layers with many rows.</summary>
public enum MatrixProduct
{
    /// <summary>The fastest of those below that this device, this machine and the type that is computed in have.</summary>
    Auto,
    /// <summary>The own kernel of every device (linear_mma.cu).</summary>
    MmaSync,
    /// <summary>The own kernel of compute capability 9.0 (linear_wgmma.cu).</summary>
    Wgmma,
    /// <summary>NVIDIA's library, for bfloat16 and layers without a bias; others go to the own kernels.</summary>
    Cublas,
}
