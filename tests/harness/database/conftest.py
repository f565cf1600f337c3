"""A fresh tracking server for the tests of a file."""

from tracking_server import logged_in, tracking_server  # noqa: F401
