"""The dev environment."""
