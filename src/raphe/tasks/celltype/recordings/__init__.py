"""Files in: which there are, how one is read, which cell and class it is of."""
