"""The local cloud: MiniStack, an AWS emulator, served on 127.0.0.1 for development and tests."""
