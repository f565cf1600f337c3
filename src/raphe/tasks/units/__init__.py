"""Which kind of cell is an extracellular unit? From its waveform and its firing."""
