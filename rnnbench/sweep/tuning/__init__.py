"""Equal tuning: search spaces, the search, its trials."""
