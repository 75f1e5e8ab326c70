"""How fast this machine multiplies matrices: what every arm's rate is held against.

`python -m bench.rate cpu` prints JSON: GFLOP/s of square matmuls in fp32 and bf16 and the number of threads. The best
of several tries, because it is a bound and not a typical figure.
"""

import json
import sys
import time

import torch

TRIES = 7
SIZE = {"cpu": 1024, "cuda": 8192}
TRY_SECONDS = 0.15


def matmul_gflops(dtype: torch.dtype, *, device: str) -> float:
    """The best rate of a square matmul."""
    size = SIZE[device]
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = 0.0
    for _ in range(TRIES):
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < TRY_SECONDS:
            a @ b
            count += 1
            if device == "cuda":
                torch.cuda.synchronize()
        best = max(best, 2 * size**3 * count / (time.perf_counter() - began) / 1e9)
    return best


if __name__ == "__main__":
    where = sys.argv[1]
    name = torch.cuda.get_device_name(0) if where == "cuda" else "cpu"
    print(
        json.dumps(
            {
                "device": name,
                "threads": torch.get_num_threads(),
                "float32": matmul_gflops(torch.float32, device=where),
                "bfloat16": matmul_gflops(torch.bfloat16, device=where),
            }
        )
    )
