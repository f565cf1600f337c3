"""What is tracked of a run beside its metrics: parameters, a description, stores, its model."""
