"""raphe: deep networks that read spikes."""

from importlib.metadata import version

__version__ = version("raphe")
