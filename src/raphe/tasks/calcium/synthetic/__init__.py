"""What no animal gave: simulated recordings and synthetic traces."""
