"""What a change does to deployed stacks, and whether someone must look at it first."""
