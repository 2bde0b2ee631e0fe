"""Deploying, comparing and destroying an environment, on AWS or on the local cloud."""
