"""Numba kernels: arrays in, arrays out. No strings, no dicts, no files; policy lives elsewhere."""

#: Raised whenever a change alters the bits of a trained weight; part of every run's key.
NUMERICS_VERSION = 2
