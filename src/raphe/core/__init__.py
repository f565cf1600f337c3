"""Facts that any task may need. Knows no task and no harness."""
