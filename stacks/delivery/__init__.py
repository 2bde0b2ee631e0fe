"""Delivery domain: the IAM roles for deploys from GitHub Actions without access keys."""
