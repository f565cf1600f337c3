"""Work that is divided over several calls of one command."""
