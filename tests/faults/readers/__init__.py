"""One reader a file: READER says what it reads and how it may refuse."""
