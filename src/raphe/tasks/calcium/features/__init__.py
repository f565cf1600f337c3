"""Numbers that describe a trace; whether a new one is like those of training."""
