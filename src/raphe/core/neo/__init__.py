"""Recordings of other rigs, read by neo. neo is an extra (raphe[neo])."""
