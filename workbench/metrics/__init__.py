"""Our own metrics as modules of the library evaluate, each in a folder of its name, so that it loads them by path and
without a network: `evaluate.load("workbench/metrics/squad_f1")`. Each is a few lines around a function of `scores`.
Nothing of ours imports them; `evals.metric_modules` finds them. One import a line: evaluate reads the lines itself.
"""
