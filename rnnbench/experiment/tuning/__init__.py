"""Equal tuning: search spaces, trials, and the choice among them on validation data."""
