"""The tasks: one folder each, none knows another."""
