using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;

namespace IccEngine.Tests;

/// <summary>The small chat model of the expected values, which has a tokenizer and a template but no icc.json, and adapters for it.</summary>
internal static class TinyChat
{
    public static string Folder { get; } = Path.Combine(Goldens.Repository, "tests", "goldens", "models", "e2e-chat-bf16");

    /// <summary>Writes a PEFT adapter of rank 4 on q_proj and down_proj of every layer, with random weights.</summary>
    public static string WriteAdapter(string folder)
    {
        var config = ModelConfig.Load(Folder);
        var random = new Random(3);
        var tensors = new List<SafeTensorsItem>();
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            Add($"model.layers.{layer}.self_attn.q_proj", config.HiddenSize, config.NumAttentionHeads * config.HeadDim);
            Add($"model.layers.{layer}.mlp.down_proj", config.IntermediateSize, config.HiddenSize);
        }
        SafeTensorsWriter.Write(Path.Combine(folder, "adapter_model.safetensors"), tensors);
        File.WriteAllText(
            Path.Combine(folder, "adapter_config.json"),
            JsonSerializer.Serialize(new { peft_type = "LORA", r = 4, lora_alpha = 8, target_modules = new[] { "q_proj", "down_proj" } }));
        return folder;

        void Add(string module, int inputs, int outputs)
        {
            tensors.Add(Matrix($"base_model.model.{module}.lora_A.weight", 4, inputs));
            tensors.Add(Matrix($"base_model.model.{module}.lora_B.weight", outputs, 4));
        }

        SafeTensorsItem Matrix(string name, int rows, int columns) => SafeTensorsItem.From(
            HostTensor.FromArray(name, [.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle() - 0.5f)], rows, columns));
    }
}
