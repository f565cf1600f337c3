"""Does a good score of units mean what it seems to? Trains networks of its own."""
