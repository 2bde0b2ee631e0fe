"""Shared code of every stack; imports no domain."""
