"""A cell's spikes in, its verdict out: which cells files hold, how each is read and judged."""
