"""The floor that every domain stands on, and one folder per domain."""
