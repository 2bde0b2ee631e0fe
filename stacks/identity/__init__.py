"""The permission domain: the roles that functions and tasks run as."""
