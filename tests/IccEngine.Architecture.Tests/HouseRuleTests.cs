using Xunit;

namespace IccEngine.Architecture.Tests;

/// <summary>The rules of the house that a machine can check, over every file of the checkout.</summary>
public class HouseRuleTests
{
    // Versions of packages that only other packages ask for.
    private static readonly string[] _pins = ["FSharp.Core", "Microsoft.CodeAnalysis.Analyzers", "Microsoft.Diagnostics.Tracing.TraceEvent", "System.Management"];

    [Fact]
    public void FilesAreShort() => Report.Empty(Sources.SelectMany(SourceRules.TooLong));

    [Fact]
    public void NothingIsLeftUnfinished() => Report.Empty(Checkout.TextFiles.SelectMany(SourceRules.Unfinished));

    [Fact]
    public void NoFileNamesAPathOfOneMachine() => Report.Empty(Checkout.TextFiles.SelectMany(SourceRules.MachinePaths));

    [Fact]
    public void NoErrorIsSwallowed() => Report.Empty(Checkout.CSharpFiles.SelectMany(SourceRules.EmptyCatches));

    [Fact]
    public void EveryAssertionCanFail() => Report.Empty(Checkout.CSharpFiles.SelectMany(SourceRules.IdleAssertions));

    [Fact]
    public void UnsafeCodeStandsInItsProjects() =>
        Report.Empty(Checkout.CSharpFiles.Where(f => !MayBeUnsafe(f)).SelectMany(SourceRules.UnsafeCode));

    [Fact]
    public void UnsafeBlocksAreAllowedInTheirProjects() =>
        Report.Empty(
            from file in Checkout.BuildFiles
            where !(MayBeUnsafe(file) && file.Path.EndsWith(".csproj", StringComparison.Ordinal))
            where BuildFile.Elements(file, "AllowUnsafeBlocks").Any()
            select $"{file.Path}: AllowUnsafeBlocks; expected only in the project files of {string.Join(", ", Layers.MayBeUnsafe)}");

    [Fact]
    public void EveryPackageHasItsReasonAndItsUse()
    {
        var reasons = Assert.Single(Checkout.TextFiles, f => f.Path == "docs/dependencies.md").Text;
        var used = Checkout.BuildFiles.SelectMany(f => BuildFile.Elements(f, "PackageReference")).Select(e => (string?)e.Attribute("Include")).ToHashSet();
        var versions = Assert.Single(Checkout.BuildFiles, f => f.Path == "Directory.Packages.props");
        var packages = BuildFile.Elements(versions, "PackageVersion").Select(e => (string)e.Attribute("Include")!).ToArray();
        Assert.NotEmpty(packages);
        Report.Empty(packages.Where(p => !reasons.Contains(p, StringComparison.Ordinal)).Select(p => $"docs/dependencies.md: nothing about {p}"));
        Report.Empty(packages.Where(p => !used.Contains(p) && !_pins.Contains(p)).Select(p => $"{versions.Path}: no project uses {p}"));
    }

    [Fact]
    public void TheCheckoutIsSeen()
    {
        var seen = Checkout.TextFiles.Select(f => f.Path).ToHashSet();
        Assert.Contains(".gitignore", seen);
        Assert.Contains("src/IccEngine.Core/Backends/IBackend.cs", seen);
        Assert.Contains("src/IccEngine.Core/IccEngine.Core.csproj", seen);
        Assert.Contains("tests/IccEngine.Architecture.Tests/HouseRuleTests.cs", seen);
        Assert.DoesNotContain(seen, p => p.Contains("/obj/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("// TO" + "DO later", 1)]
    [InlineData("// FIX" + "ME", 1)]
    [InlineData("throw new NotImplemented" + "Exception();", 1)]
    [InlineData("var to" + "do = Tod" + "o;", 0)]
    public void UnfinishedWorkIsFound(string text, int findings) => Check(SourceRules.Unfinished, text, findings);

    [Theory]
    [InlineData("see /wo" + "rk/x", 1)]
    [InlineData("File.Open(\"/ro" + "ot/a\"); // and /tmp/ba" + "sh", 2)]
    [InlineData("src/network/x and /tmp/x", 0)]
    public void MachinePathsAreFound(string text, int findings) => Check(SourceRules.MachinePaths, text, findings);

    [Theory]
    [InlineData("class C { void M() { try { } catch { } } }", 1)]
    [InlineData("class C { void M() { try { } catch (Exception) {\n// why\n} } }", 1)]
    [InlineData("class C { void M() { try { } catch (IOException) { } } }", 1)]
    [InlineData("class C { void M() { try { } catch (IOException) {\n// why\n} } }", 0)]
    [InlineData("class C { void M() { try { } catch { throw; } } }", 0)]
    public void EmptyCatchesAreFound(string text, int findings) => Check(SourceRules.EmptyCatches, text, findings);

    [Theory]
    [InlineData("Assert.True(true);", 1)]
    [InlineData("Assert.False(false, \"why\");", 1)]
    [InlineData("Assert.True(x == true);", 0)]
    public void IdleAssertionsAreFound(string text, int findings) => Check(SourceRules.IdleAssertions, text, findings);

    [Theory]
    [InlineData("class C { unsafe void M(int[] a) { fixed (int* p = a) { } } }", 2)]
    [InlineData("class C { [System.Runtime.InteropServices.DllImport(\"m\")] static extern int f(); }", 1)]
    [InlineData("var a = Unsafe.As<int, uint>(ref x);", 1)]
    [InlineData("var a = System.Runtime.CompilerServices.Unsafe.Add(ref x, 1);", 1)]
    [InlineData("var a = MemoryMarshal.CreateSpan(ref x, 2);", 1)]
    [InlineData("var a = MemoryMarshal.Cast<byte, int>(x); // a fixed, unsafe thing", 0)]
    public void UnsafeCodeIsFound(string text, int findings) => Check(SourceRules.UnsafeCode, text, findings);

    [Theory]
    [InlineData(500, 0)]
    [InlineData(501, 1)]
    public void LongFilesAreFound(int lines, int findings) => Check(SourceRules.TooLong, new string('\n', lines), findings);

    private static bool MayBeUnsafe(TextFile file) => Layers.MayBeUnsafe.Any(folder => file.Path.StartsWith(folder, StringComparison.Ordinal));

    private static IEnumerable<TextFile> Sources =>
        Checkout.TextFiles.Where(f => Path.GetExtension(f.Path) is ".cs" or ".cu" or ".cuh" or ".py" or ".sh");

    private static void Check(Func<TextFile, IEnumerable<string>> rule, string text, int findings) =>
        Assert.Equal(findings, rule(new TextFile("x.cs", text)).Count());
}
