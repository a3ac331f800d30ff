using System.Reflection;
using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.DeviceTests;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

// Runs the tests of a backend where there is no SDK: on a machine with a device, to which this program was copied.
//   dotnet publish -c Release -r linux-x64 --self-contained -o artifacts/device-tests tools/device-tests
//   artifacts/device-tests/IccEngine.DeviceTests cuda        (below a checkout: the goldens are found there)
// Argument: the name that the tests give the backend, or bench with any of the parts limits, gemm, attention, eager, lanczos and model for
// speed, in bfloat16 and then what differs in float32; without it every test runs. The random weights of the model (16 GB) are written once, below this program.
if (args is ["bench", .. var parts])
{
    if (parts.Except(Bench.Parts).FirstOrDefault() is { } unknown)
    {
        Console.Error.WriteLine($"bench {unknown}: expected {string.Join(", ", Bench.Parts)}");
        return 1;
    }
    var modelFolder = Path.Combine(AppContext.BaseDirectory, "bench-" + BenchSizes.Table.Shape);
    using (var rounded = new CudaBackend(compute: DType.BF16))
    {
        new Bench(rounded, BenchSizes.Table, Console.Out).Run(parts, modelFolder);
    }
    string[] again = [.. new[] { "gemm", "attention", "eager" }.Where(p => parts.Length == 0 || parts.Contains(p))];
    if (again.Length > 0)
    {
        using var exact = new CudaBackend();
        new Bench(exact, BenchSizes.Table, Console.Out).Run(again, modelFolder);
    }
    return 0;
}
var wanted = args is [var name, ..] ? $"\"{name}\"" : "";
var failed = 0;
foreach (var file in new[] { "IccEngine.Contract.Tests.dll", "IccEngine.Models.Tests.dll" })
{
    var assembly = Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, file));
    using var framework = new XunitTestFramework(new Sink());
    var options = new Options();
    var found = new Sink();
    using var discoverer = framework.GetDiscoverer(Reflector.Wrap(assembly));
    discoverer.Find(includeSourceInformation: false, found, options);
    found.Done.Wait();
    var cases = found.Cases.Where(c => c.DisplayName.Contains(wanted, StringComparison.Ordinal)).ToArray();
    var run = new Sink();
    using var executor = framework.GetExecutor(assembly.GetName());
    executor.RunTests(cases, run, options);
    run.Done.Wait();
    Console.WriteLine($"{file}: {run.Passed} passed, {run.Failed} failed, {run.Skipped} skipped");
    failed += run.Failed + (run.Passed == 0 ? 1 : 0);
}
return failed == 0 ? 0 : 1;

namespace IccEngine.DeviceTests
{
    /// <summary>Collects what the framework reports, and prints what did not pass.</summary>
    internal sealed class Sink : LongLivedMarshalByRefObject, IMessageSink
    {
        public List<ITestCase> Cases { get; } = [];

        public ManualResetEventSlim Done { get; } = new();

        public int Passed { get; private set; }

        public int Failed { get; private set; }

        public int Skipped { get; private set; }

        public bool OnMessage(IMessageSinkMessage message)
        {
            lock (Cases)
            {
                Take(message);
            }
            return true;
        }

        private void Take(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestCaseDiscoveryMessage discovered:
                    Cases.Add(discovered.TestCase);
                    break;
                case ITestPassed:
                    Passed++;
                    break;
                case ITestSkipped skipped:
                    Skipped++;
                    Console.WriteLine($"skipped {skipped.Test.DisplayName}: {skipped.Reason}");
                    break;
                case ITestFailed test:
                    Failed++;
                    Console.WriteLine($"FAILED {test.Test.DisplayName}: {string.Join(" / ", test.Messages)}");
                    break;
                case IErrorMessage error:
                    Failed++;
                    Console.WriteLine($"ERROR {string.Join(" / ", error.Messages)}");
                    break;
                case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                    Done.Set();
                    break;
            }
        }
    }

    /// <summary>The framework's usual options.</summary>
    internal sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out var value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
