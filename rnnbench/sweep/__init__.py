"""Sweeps: the plan, the tuning, one run into its folder, and the launchers."""
