"""What inferred parameters come to: scores of a posterior, spike trains compared."""
