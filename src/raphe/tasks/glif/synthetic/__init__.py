"""What no animal gave: priors over neurons and simulated experiments."""
