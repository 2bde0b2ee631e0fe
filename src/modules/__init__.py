"""The code that runs in AWS: a package for each module."""
