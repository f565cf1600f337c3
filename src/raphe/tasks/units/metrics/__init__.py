"""What predictions come to: names of figures, scores with intervals."""
