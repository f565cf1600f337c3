"""raphe: deep networks that read spikes."""

from raphe.version import __version__

__all__ = ["__version__"]
