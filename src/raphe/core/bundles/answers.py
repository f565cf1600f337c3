"""Where answers come from: what stands in every folder of predictions."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from raphe.core.bundles.bundle import Bundle
from raphe.version import __version__

PREDICTION = "prediction.json"  # beside answers that are arrays and tables


def answered_by(bundle: Bundle) -> dict[str, Any]:
    """As JSON values: this raphe, the bundle, and the time, which is now."""
    return {
        "raphe": __version__,
        "made_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "bundle": {
            "name": bundle.path.resolve().name,
            "raphe": bundle.manifest["raphe"],
            "content_hash": bundle.content_hash,
        },
    }


def prediction_json(bundle: Bundle, notes: Iterable[str], **facts: Any) -> str:
    """What tables and arrays cannot say: where they come from, and what must be known beside them.

    Args:
        bundle: that answered.
        notes: a sentence each.
        facts: further JSON values.
    """
    contents = {**answered_by(bundle), "notes": list(filter(None, notes)), **facts}
    return json.dumps(contents, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def origin(answered: Mapping[str, Any]) -> str:
    """The same as a sentence for a page: "Made on 2026-11-28 at 16:05 UTC by raphe 0.1.0 …"."""
    made = datetime.fromisoformat(answered["made_utc"])
    bundle = answered["bundle"]
    return (
        f"Made on {made:%Y-%m-%d} at {made:%H:%M} UTC by raphe {answered['raphe']} with the bundle "
        f"“{bundle['name']}” (content hash {bundle['content_hash'][:12]}, exported by raphe "
        f"{bundle['raphe']})."
    )
