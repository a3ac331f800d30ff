using System.Diagnostics;
using System.Globalization;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Models;

// Prefills a model folder with so many tokens, pooled attention on all layers, and prints the peak of the resident memory in bytes: the
// process peak can only be measured of a process that does nothing else.
var (folder, tokens, spans) = (args[0], int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture));
using var backend = new CpuBackend(2);
using var model = CausalLM.Load(folder, backend);
var length = tokens / spans;
using var capture = new AttentionCapture(
    model, new TapRequest { Spans = [.. Enumerable.Range(0, spans).Select(s => new TokenSpan(s * length, (s + 1) * length))] });
using var session = new InferenceSession(model, new SessionOptions(tokens));
var ids = Enumerable.Range(0, tokens).Select(i => (i * 7 + 3) % model.Config.VocabSize).ToArray();
session.Forward([new SequenceInput(session.Begin(), ids, LogitsWanted.Last, capture)]);
Console.WriteLine(Process.GetCurrentProcess().PeakWorkingSet64);
