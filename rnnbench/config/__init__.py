"""Configurations: schema, groups, composition by Hydra, grids, and the identity of a run."""
