"""What stands on disk: written whole or not at all, with hashes."""
