"""What was cut, on disk: opening, writing, importing; parts and folds."""
