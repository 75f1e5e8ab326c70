"""What it takes to serve an adapter: attached, merged, mixed, swapped or quantized, timed and compared in one process.

`running.deploy("runs/rank-sweep/r8")` times every variant that this machine can run, takes how far each moved the
answers, and stores both beside the adapter; `reading.read` gives what was stored, without torch.
"""
