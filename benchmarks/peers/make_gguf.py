#!/usr/bin/python3
"""Writes a Llama of `icc bench make-model` as GGUF version 3, for llama.cpp: the same weights in F32, BF16 and Q8_0.

Usage: make_gguf.py MODEL_DIR OUT_DIR [f32 bf16 q8_0]
The tokenizer is a made-up one of the model's vocabulary: benchmarks feed token ids.
"""
import json
import mmap
import pathlib
import struct
import sys

import numpy as np

ALIGNMENT = 32
FILE_TYPES = {"f32": 0, "q8_0": 7, "bf16": 32}
TENSOR_TYPES = {"f32": 0, "q8_0": 8, "bf16": 30}
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
LAYER_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    """Hugging Face's name of a tensor to llama.cpp's."""
    name = name.removesuffix(".weight")
    top = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    if name in top:
        return top[name] + ".weight"
    _, _, layer, module = name.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[module]}.weight"


def permute(values, heads):
    """Rows of queries and keys as llama.cpp rotates them: pairs (2i, 2i + 1) instead of (i, i + headDim / 2)."""
    rows, columns = values.shape
    return values.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, payload):
    return string(key) + struct.pack("<I", kind) + payload


def array(key, kind, count, payload):
    return entry(key, ARRAY, struct.pack("<IQ", kind, count) + payload)


def metadata(config, kind):
    u32 = lambda key, value: entry(key, U32, struct.pack("<I", value))
    size = config["vocab_size"]
    control = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
    tokens = (control + ["▁w%d" % i for i in range(max(0, size - len(control)))])[:size]
    types = ([2, 3, 3] + [6] * 256 + [1] * size)[:size]
    scores = [-float(max(0, i - 259)) for i in range(size)]
    return [
        entry("general.architecture", STRING, string("llama")), entry("general.name", STRING, string("random")),
        u32("general.file_type", FILE_TYPES[kind]), u32("general.alignment", ALIGNMENT), u32("general.quantization_version", 2),
        u32("llama.vocab_size", size), u32("llama.context_length", config["max_position_embeddings"]),
        u32("llama.embedding_length", config["hidden_size"]), u32("llama.block_count", config["num_hidden_layers"]),
        u32("llama.feed_forward_length", config["intermediate_size"]), u32("llama.rope.dimension_count", config["head_dim"]),
        u32("llama.attention.head_count", config["num_attention_heads"]), u32("llama.attention.head_count_kv", config["num_key_value_heads"]),
        u32("llama.attention.key_length", config["head_dim"]), u32("llama.attention.value_length", config["head_dim"]),
        entry("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", config["rms_norm_eps"])),
        entry("llama.rope.freq_base", F32, struct.pack("<f", config["rope_theta"])),
        entry("tokenizer.ggml.model", STRING, string("llama")),
        array("tokenizer.ggml.tokens", STRING, size, b"".join(string(t) for t in tokens)),
        array("tokenizer.ggml.scores", F32, size, np.asarray(scores, "<f4").tobytes()),
        array("tokenizer.ggml.token_type", I32, size, np.asarray(types, "<i4").tobytes()),
        u32("tokenizer.ggml.bos_token_id", 1), u32("tokenizer.ggml.eos_token_id", 2), u32("tokenizer.ggml.unknown_token_id", 0),
        entry("tokenizer.ggml.add_bos_token", BOOL, b"\1"), entry("tokenizer.ggml.add_eos_token", BOOL, b"\0"),
    ]


def type_of(kind, shape):
    # Vectors, and rows that blocks of 32 do not divide, stay float32.
    return "f32" if len(shape) == 1 or (kind == "q8_0" and shape[-1] % 32) else kind


def byte_size(kind, shape):
    count = int(np.prod(shape))
    return {"f32": 4 * count, "bf16": 2 * count, "q8_0": count // 32 * 34}[type_of(kind, shape)]


def convert(kind, values):
    kind = type_of(kind, values.shape)
    if kind == "f32":
        return values.tobytes()
    if kind == "bf16":
        bits = values.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()
    blocks = values.reshape(-1, 32)
    scale = np.abs(blocks).max(1) / 127
    out = np.empty((blocks.shape[0], 34), np.uint8)
    out[:, :2] = scale.astype(np.float16).view(np.uint8).reshape(-1, 2)
    out[:, 2:] = np.rint(blocks / np.maximum(scale, 1e-20)[:, None]).astype(np.int8).view(np.uint8)
    return out.tobytes()


def load(data, base, found):
    """A tensor of the checkpoint as float32."""
    begin, end = (base + at for at in found["data_offsets"])
    raw = data[begin:end]
    if found["dtype"] == "BF16":
        values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(raw, {"F16": "<f2", "F32": "<f4"}[found["dtype"]]).astype(np.float32)
    return values.reshape(found["shape"])


def padding(size):
    return b"\0" * (-size % ALIGNMENT)


def main():
    model, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    kinds = sys.argv[3:] or list(FILE_TYPES)
    config = json.loads((model / "config.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    with open(model / "model.safetensors", "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    length = struct.unpack("<Q", data[:8])[0]
    header = {name: found for name, found in json.loads(data[8:8 + length]).items() if name != "__metadata__"}
    for kind in kinds:
        entries, infos, at = metadata(config, kind), b"", 0
        for name, found in header.items():
            shape = found["shape"]
            infos += string(gguf_name(name)) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", d) for d in reversed(shape))
            infos += struct.pack("<IQ", TENSOR_TYPES[type_of(kind, shape)], at)
            at += byte_size(kind, shape) + len(padding(byte_size(kind, shape)))
        head = b"GGUF" + struct.pack("<IQQ", 3, len(header), len(entries)) + b"".join(entries) + infos
        part = out / f"{kind}.gguf.part"
        with open(part, "wb") as file:
            file.write(head + padding(len(head)))
            for name, found in header.items():
                values = load(data, 8 + length, found)
                heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}.get(name.split(".")[-2])
                content = convert(kind, np.ascontiguousarray(permute(values, heads) if heads else values))
                file.write(content + padding(len(content)))
        part.rename(out / f"{kind}.gguf")
        print(out / f"{kind}.gguf", flush=True)


if __name__ == "__main__":
    main()
