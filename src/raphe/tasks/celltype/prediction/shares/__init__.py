"""Verdicts that several processes make together."""
