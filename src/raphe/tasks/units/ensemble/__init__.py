"""What a run has trained, exported as a bundle and opened again."""
