"""Neurodata Without Borders files: 2.x by pynwb, 1.0 by h5py; series, sweeps, channels, pairs."""
