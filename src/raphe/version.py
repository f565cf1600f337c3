"""The version, told here alone: the package's metadata, bundles and reports take it from here."""

__version__ = "0.2.0"
