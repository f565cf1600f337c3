"""What inferred rates come to: scores, and the figures and tables of a test set."""
