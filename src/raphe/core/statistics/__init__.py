"""Parts of data, intervals, calibration, abstention."""
