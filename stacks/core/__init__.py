"""Code that every stack shares; imports no domain."""
