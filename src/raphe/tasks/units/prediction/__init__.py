"""New units in, labels out. No torch, no training."""
