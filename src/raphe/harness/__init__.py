"""Runs any task, names none."""
