"""A Llama in PyTorch, eager, as transformers writes it: answers requests on stdin, one JSON object a line, with seconds, one a line.

Usage: torch_worker.py MODEL_DIR THREADS float32|bfloat16
{"kind":"prefill","tokens":N,"spans":S}: a prompt of N tokens with the logits of the last; with spans, the attention of every layer is kept,
averaged over its heads and pooled over S even spans.
"""
import json
import math
import pathlib
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import torch
import torch.nn.functional as F

config = json.loads((pathlib.Path(sys.argv[1]) / "config.json").read_text())
torch.set_num_threads(int(sys.argv[2]))
dtype = getattr(torch, sys.argv[3])
torch.manual_seed(0)
hidden, layers, ffn, vocabulary = (config[k] for k in ("hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size"))
heads, kv_heads, dim = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]


def matrix(rows, columns):
    return torch.empty(rows, columns).normal_(0, 0.02).to(dtype)


embedding = matrix(vocabulary, hidden)
blocks = [
    dict(q=matrix(heads * dim, hidden), k=matrix(kv_heads * dim, hidden), v=matrix(kv_heads * dim, hidden), o=matrix(hidden, heads * dim),
         gate=matrix(ffn, hidden), up=matrix(ffn, hidden), down=matrix(hidden, ffn)) for _ in range(layers)]
frequencies = 1.0 / (config["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim))


def norm(x):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + config["rms_norm_eps"])).to(dtype)


def turn(x, cos, sin):
    return x * cos + torch.cat((-x[..., dim // 2:], x[..., :dim // 2]), -1) * sin


def forward(ids, tapped):
    x, n, kept = embedding[ids], len(ids), []
    angles = torch.outer(torch.arange(n).float(), frequencies).repeat(1, 2)
    cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
    mask = torch.full((n, n), torch.finfo(dtype).min, dtype=dtype).triu(1)
    for w in blocks:
        h = norm(x)
        q, k, v = (F.linear(h, w[name]).view(n, -1, dim).transpose(0, 1) for name in "qkv")
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        k, v = (t.repeat_interleave(heads // kv_heads, 0) for t in (k, v))
        a = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(dim) + mask, -1, dtype=torch.float32).to(dtype)
        if tapped:
            kept.append(a.float().mean(0))
        x = x + F.linear((a @ v).transpose(0, 1).reshape(n, heads * dim), w["o"])
        h = norm(x)
        x = x + F.linear(F.silu(F.linear(h, w["gate"])) * F.linear(h, w["up"]), w["down"])
    return F.linear(norm(x[-1:]), embedding), kept


def pool(maps, n, spans):
    edges = [i * n // spans for i in range(spans + 1)]
    owner = torch.repeat_interleave(torch.arange(spans), torch.tensor([b - a for a, b in zip(edges, edges[1:])]))
    one = F.one_hot(owner, spans).float()
    mean = one / one.sum(0)
    return [mean.T @ m @ mean for m in maps]


print(json.dumps({"ready": f"torch {torch.__version__}, eager {sys.argv[3]}"}), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        request = json.loads(line)
        n, spans = request["tokens"], request.get("spans", 0)
        ids = torch.randint(0, vocabulary, (n,))
        start = time.perf_counter()
        _, maps = forward(ids, spans > 0)
        if spans:
            pool(maps, n, spans)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
