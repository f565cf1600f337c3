"""Numbers that describe a unit; whether a new one is like those of training."""
