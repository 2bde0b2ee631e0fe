"""What a developer runs: the local cloud, deploying, and the guards."""
