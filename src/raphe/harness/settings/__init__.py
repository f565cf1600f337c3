"""What is asked of a run: where the settings lie, what they may be, and what is wrong."""
