"""Trained networks chosen, joined, exported and opened again."""
