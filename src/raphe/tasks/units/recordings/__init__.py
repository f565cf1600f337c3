"""Files in: units of a sorting, with what of each is known."""
