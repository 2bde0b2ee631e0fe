"""The data bucket, for the code that reads and writes its objects."""
