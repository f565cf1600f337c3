"""What least squares says of a trace."""
