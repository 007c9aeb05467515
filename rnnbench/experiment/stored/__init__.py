"""What is done with runs that are stored: list, compare, repeat, use."""
