"""Tools for developers: the local cloud, the deployment and the guard."""
