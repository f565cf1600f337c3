"""What answers come to: probabilities of a cell, decisions, scores."""
