"""One folder per environment; each wires the stacks that it deploys."""
