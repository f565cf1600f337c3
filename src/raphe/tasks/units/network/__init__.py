"""Networks and nothing else: no data, no loss."""
