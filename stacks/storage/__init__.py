"""Storage domain: the data bucket."""
