using BenchmarkDotNet.Running;

// dotnet run -c Release --project benchmarks/IccEngine.Benchmarks -- --filter '*RmsNorm*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
