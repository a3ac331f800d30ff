using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Testing;

/// <summary>A Llama with random weights, for tests that need a model but no particular one.</summary>
public static class SmallModel
{
    /// <summary>Writes config.json and model.safetensors (float32) into a new temporary folder.</summary>
    public static string Write(int vocabulary, int hidden, int layers, int heads, int kvHeads, int ffn)
    {
        var folder = Directory.CreateTempSubdirectory("icc-model-").FullName;
        var config = new Dictionary<string, object>
        {
            ["model_type"] = "llama",
            ["hidden_size"] = hidden,
            ["intermediate_size"] = ffn,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = kvHeads,
            ["vocab_size"] = vocabulary,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10000.0,
            ["max_position_embeddings"] = 16384,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = true,
            ["eos_token_id"] = 2,
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(config));
        var random = new Random(7);
        var (queries, keys) = (hidden, hidden / heads * kvHeads);
        var tensors = new List<SafeTensorsItem> { Matrix("model.embed_tokens.weight", vocabulary, hidden), Ones("model.norm.weight") };
        for (var i = 0; i < layers; i++)
        {
            var name = $"model.layers.{i}.";
            tensors.AddRange(
            [
                Ones(name + "input_layernorm.weight"), Ones(name + "post_attention_layernorm.weight"),
                Matrix(name + "self_attn.q_proj.weight", queries, hidden), Matrix(name + "self_attn.k_proj.weight", keys, hidden),
                Matrix(name + "self_attn.v_proj.weight", keys, hidden), Matrix(name + "self_attn.o_proj.weight", hidden, queries),
                Matrix(name + "mlp.gate_proj.weight", ffn, hidden), Matrix(name + "mlp.up_proj.weight", ffn, hidden),
                Matrix(name + "mlp.down_proj.weight", hidden, ffn),
            ]);
        }
        SafeTensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
        return folder;

        SafeTensorsItem Ones(string name) => SafeTensorsItem.From(HostTensor.FromArray(name, [.. Enumerable.Repeat(1f, hidden)], hidden));

        SafeTensorsItem Matrix(string name, int rows, int columns)
        {
            var scale = 2 / MathF.Sqrt(columns);
            var values = new float[rows * columns];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (random.NextSingle() - 0.5f) * 2 * scale;
            }
            return SafeTensorsItem.From(HostTensor.FromArray(name, values, rows, columns));
        }
    }
}
