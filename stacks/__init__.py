"""One folder for each domain, and `core`, which all domains share."""
