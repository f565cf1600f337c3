"""Where spikes are cut: settings, the cut, resampling."""
