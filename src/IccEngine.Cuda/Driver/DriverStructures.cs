using System.Runtime.InteropServices;

namespace IccEngine.Cuda;

/// <summary>CUmemAllocationProp of the driver API: memory of a device that is mapped by hand.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MemoryProperties(int device)
{
    private const int Pinned = 1;    // CU_MEM_ALLOCATION_TYPE_PINNED
    private const int OfDevice = 1;  // CU_MEM_LOCATION_TYPE_DEVICE

    public int Type = Pinned;
    public int HandleTypes = 0;      // shared with nobody
    public int LocationType = OfDevice;
    public int Location = device;
    public nint Win32HandleMetaData = 0;
    public ulong Flags = 0;          // compression, RDMA, usage, reserved
}

/// <summary>CUmemAccessDesc of the driver API: who may use mapped memory.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MemoryAccess(int device)
{
    private const int OfDevice = 1;     // CU_MEM_LOCATION_TYPE_DEVICE
    private const int ReadAndWrite = 3; // CU_MEM_ACCESS_FLAGS_PROT_READWRITE

    public int LocationType = OfDevice;
    public int Location = device;
    public int Flags = ReadAndWrite;
}

/// <summary>CUDA_KERNEL_NODE_PARAMS_v1 of the driver API: a launch in a graph.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelNode
{
    public nint Function;
    public uint BlocksX, BlocksY, BlocksZ;
    public uint ThreadsX, ThreadsY, ThreadsZ;
    public uint SharedBytes;
    public void** Parameters;
    public void** Extra;
}
