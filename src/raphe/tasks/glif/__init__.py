"""A neuron model's parameters from its voltage: generalised leaky integrate-and-fire neurons."""
