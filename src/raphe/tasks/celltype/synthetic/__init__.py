"""What no animal gave: simulated recordings, noise masks, synthetic spikes."""
