"""Runs and sweeps: configuration (Hydra, and only here), identity of a run, training of seeds, storing."""
