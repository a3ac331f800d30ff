namespace IccEngine.Cuda;

/// <summary>What multiplies the matrices of linear layers with many rows, and in the attention of prompts.</summary>
public enum MatrixProduct
{
    /// <summary>The fastest of those below that this device, this machine and the type that is computed in have.</summary>
    Auto,
    /// <summary>The own kernels of every device (linear_mma.cu, attention_mma.cu).</summary>
    MmaSync,
    /// <summary>The own kernels of compute capability 9.0 (linear_wgmma.cu, attention_wgmma.cu).</summary>
    Wgmma,
    /// <summary>NVIDIA's library, for bfloat16 and layers without a bias; others, and attention, go to the own kernels.</summary>
    Cublas,
}
