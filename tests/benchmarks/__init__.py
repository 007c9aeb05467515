"""Speed, measured by `make bench`; `make test` skips what is here."""
