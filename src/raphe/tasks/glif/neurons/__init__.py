"""The neuron model: its compiled loop, stimuli, configurations."""
