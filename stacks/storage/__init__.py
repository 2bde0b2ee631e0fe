"""Storage domain: the data bucket and the layout of its keys."""
