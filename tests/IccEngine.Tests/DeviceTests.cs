using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>What <c>icc devices</c> says of the devices of a machine.</summary>
public class DeviceTests
{
    [SkippableFact]
    public void A_device_is_described()
    {
        using var machine = new PretendedMachine();
        machine.Pretend("devices", 2);
        var list = Device.List(machine.Driver);
        Assert.Equal(["cpu", "reference", "cuda:0", "cuda:1"], list.Select(d => d.Name));
        Assert.Equal(
            "processor that stands for a GPU, compute capability 9.0, 132 multiprocessors, driver for CUDA 12.4, 16.0 of 16.0 GiB free",
            list[2].Description);
    }

    [SkippableTheory]
    [InlineData("capability", 75, "; cannot be used: too old; expected compute capability 8.0 or later: compute on cpu")]
    [InlineData("missing", 102, "; cannot be used: the driver gives no memory pools or no virtual memory of this device (a shared virtual GPU?): use the whole device, or compute on cpu")]
    [InlineData("life", 0, ", 16.0 GiB")]
    public void What_is_missing_is_said(string what, int value, string end)
    {
        using var machine = new PretendedMachine();
        machine.Pretend(what, value);
        Assert.EndsWith(end, Device.List(machine.Driver)[2].Description, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_machine_without_devices_says_so()
    {
        using var machine = new PretendedMachine();
        machine.Pretend("devices", 0);
        var (name, description) = Device.List(machine.Driver)[2];
        Assert.Equal("cuda:N", name);
        Assert.Contains("CUDA_ERROR_NO_DEVICE", description, StringComparison.Ordinal);
        Assert.Contains("libno-such.so", Device.List("libno-such.so")[2].Description, StringComparison.Ordinal);
    }
}
