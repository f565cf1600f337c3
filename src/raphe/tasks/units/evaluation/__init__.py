"""What a test says: every method on the same folds, with controls."""
