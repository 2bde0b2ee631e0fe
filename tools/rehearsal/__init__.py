"""Try an upgrade of deployed stacks on a temporary local cloud, with data, and back again."""
