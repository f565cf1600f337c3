"""Numbers that describe a spike or a cell; whether a new one is like those of training."""
