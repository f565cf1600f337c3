"""The members of a sweep trained in one pass over the data."""
