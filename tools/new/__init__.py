"""Create a domain from the files in templates/."""
