"""MATLAB files, read variable by variable."""
