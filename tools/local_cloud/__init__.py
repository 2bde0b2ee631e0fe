"""The embedded local cloud: an AWS emulator for whoever has no account, and for the tests."""
