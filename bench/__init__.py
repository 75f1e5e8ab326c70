"""Timings on this machine, by hand: `make bench`."""
