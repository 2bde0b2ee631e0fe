"""One folder for each environment. Its app.py builds the stacks and wires their exports."""
