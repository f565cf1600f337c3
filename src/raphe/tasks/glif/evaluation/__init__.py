"""What a test says: figures, tables, baselines."""
