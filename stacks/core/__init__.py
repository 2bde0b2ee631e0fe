"""What every domain builds on. Knows no domain."""
