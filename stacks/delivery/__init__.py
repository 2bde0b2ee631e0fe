"""The delivery domain: how GitHub Actions deploys to this account without access keys."""
