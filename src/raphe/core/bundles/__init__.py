"""Exported ensembles on disk."""
