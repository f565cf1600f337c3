"""A bundle tuned to a laboratory's own labelled units, and which unit to label next."""
