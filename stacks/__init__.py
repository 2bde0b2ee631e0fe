"""One folder for each domain, and `core`, the shared code of all domains."""
