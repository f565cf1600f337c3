"""Axon Binary Format: reader, header, sweeps, scale, writer. The only place that imports pyabf."""
