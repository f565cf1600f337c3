"""A multirun: its parent run, its members, the report over them."""
