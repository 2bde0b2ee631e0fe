"""Deploy, compare and destroy an environment, on AWS or on the local cloud."""
