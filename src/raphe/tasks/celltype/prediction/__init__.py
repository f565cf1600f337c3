"""New recordings in, verdicts out. No torch, no training."""
