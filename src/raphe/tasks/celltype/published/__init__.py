"""The paper's claims, weights and data."""
