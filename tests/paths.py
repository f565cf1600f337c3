"""Where tests find the checkout, and the real data that no clone holds."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
CONF = PROJECT / "conf"
OWN_DATA = PROJECT / "tests" / "data"
REAL_DATA = Path(os.environ.get("RAPHE_REAL_DATA", PROJECT.parent / "shared" / "data"))
