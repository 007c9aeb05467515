"""Speed, measured by `make bench` against PyTorch and JAX; `make test` skips what is here."""
