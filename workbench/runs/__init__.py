"""Sweeps on disk: the folder and all that is in it, steering a running one, and what it was made with.

Import from the files: `workbench.runs.store`, `workbench.runs.control`, `workbench.runs.provenance`.
"""
