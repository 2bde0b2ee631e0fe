"""Create a domain from the files in templates/, or an environment from an existing one."""
