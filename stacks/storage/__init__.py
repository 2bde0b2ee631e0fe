"""The data domain: one bucket and the layout of its keys."""
