"""What least squares says of a trace; whether a new one is like those that were simulated."""
