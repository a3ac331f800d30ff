"""Spectral clustering by scikit-learn and eigenvectors by scipy: answers requests on stdin, one JSON object a line, with seconds.

The matrix is that of `icc bench spectral`: (U + U^T) / 2 with U uniform in [0, 1), plus a signal in five weak blocks that falls with the
root of the size. {"kind":"clustering","n":N} or {"kind":"eigenvectors","n":N}.
"""
import functools
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import scipy
import sklearn
from scipy.sparse.linalg import eigsh
from sklearn.cluster import SpectralClustering


@functools.lru_cache(2)
def matrix(n, k=5):
    a = np.random.default_rng(3).random((n, n))
    y = np.arange(n) % k
    a += (y[:, None] == y[None, :]) * (0.02 * (4000 / n) ** 0.5)
    return (a + a.T) / 2


print(json.dumps({"ready": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    a = matrix(request["n"])
    start = time.perf_counter()
    if request["kind"] == "clustering":
        SpectralClustering(n_clusters=5, affinity="precomputed", random_state=0).fit_predict(a)
    else:
        eigsh(a, k=5, which="LA", v0=np.ones(len(a)))
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
