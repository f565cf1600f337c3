"""The network and nothing else: no data, no loss."""
