"""Simulated experiments in batches, loss and optimiser; the step `prepare` before them."""
