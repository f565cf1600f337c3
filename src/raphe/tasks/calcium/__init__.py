"""Spike rates from a calcium trace: what a neuron fired, inferred from its fluorescence."""
