"""Deploying an environment, and what goes with it, to AWS or to the local cloud."""
