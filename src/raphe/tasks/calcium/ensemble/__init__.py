"""Trained networks joined, exported and opened again."""
