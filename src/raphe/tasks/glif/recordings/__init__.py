"""Files in: voltage and current of cells, checked."""
