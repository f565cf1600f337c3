"""What inferred parameters come to: spike trains compared."""
