"""New cells in, parameters with their uncertainty out. No training."""
