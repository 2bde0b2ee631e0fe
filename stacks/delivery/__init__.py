"""Delivery domain: the IAM roles that let GitHub Actions deploy without access keys."""
