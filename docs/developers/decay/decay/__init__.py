"""How fast does a synaptic current decay? A task small enough to read in one go."""
