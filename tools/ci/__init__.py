"""What a change affects, and what is deployed, for the jobs in CI."""
