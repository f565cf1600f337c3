"""What inferred rates come to: scores."""
