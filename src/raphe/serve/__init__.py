"""A bundle over HTTP, on this machine: recordings in, answers out; nothing is trained here."""
