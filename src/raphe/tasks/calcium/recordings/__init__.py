"""Files of traces in: which kinds there are, how each is read, at which rate."""
