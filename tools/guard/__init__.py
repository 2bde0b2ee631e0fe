"""Report changes to deployed stacks, and fail on unacknowledged destructive changes."""
