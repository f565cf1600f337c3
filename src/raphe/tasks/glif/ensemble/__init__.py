"""Trained posteriors exported and opened again."""
