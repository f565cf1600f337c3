"""New traces in, rates and spikes out. No torch, no training."""
