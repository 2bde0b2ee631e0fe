"""Report the changes of deployed stacks, and fail on unacknowledged destructive changes."""
