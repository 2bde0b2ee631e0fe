"""One folder for each domain, and `core`, on which all domains build."""
