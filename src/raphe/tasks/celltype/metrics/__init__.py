"""What predictions come to: probabilities of a cell, decisions, scores."""
