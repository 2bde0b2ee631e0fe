"""The account environment."""
