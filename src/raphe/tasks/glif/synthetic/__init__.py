"""Priors over neurons, of fitted cells or typical ones, and experiments simulated on them."""
