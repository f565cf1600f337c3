"""The "LSTM GLIF" study as a whole: grid, network, data, training, findings."""
