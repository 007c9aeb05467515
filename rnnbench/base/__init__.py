"""Shared foundations: checks of arguments, error messages, suggestions, files, JSON, terminal tables."""
