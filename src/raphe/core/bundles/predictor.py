"""What a bundle that was opened to predict with says of itself, whatever its `predict` takes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raphe.core.bundles.bundle import Bundle


class BundlePredictor:
    """An opened bundle, to predict with."""

    def __init__(self, bundle: Bundle) -> None:
        self._opened = bundle

    def __repr__(self) -> str:
        return f"<raphe bundle of {self.manifest['kind']} in {self.path}>"

    @property
    def path(self) -> Path:
        return self._opened.path

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the bundle says of itself: its members, their training, what that looked like."""
        return self._opened.manifest
