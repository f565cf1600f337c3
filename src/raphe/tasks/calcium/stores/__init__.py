"""Traces with their spikes on disk: opening, importing, parts."""
