"""Does a good score mean what it seems to? Trains networks of its own."""
