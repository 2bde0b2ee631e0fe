"""What a change affects, for the jobs of CI."""
