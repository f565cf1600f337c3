"""Results as a person reads them: on the terminal, in tables, in the figure of a sweep."""
