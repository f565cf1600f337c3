"""Labelled units on disk: opening, writing, importing; folds."""
