"""Exported ensembles, changed by somebody who makes the hashes anew: opened, and asked once."""

import contextlib
import copy
import io
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from faults.mutations import drawn, mutated
from faults.reader import Reader
from paths import OWN_DATA
from raphe import cli
from raphe.core.bundles.bundle import BUNDLE, BundleError
from raphe.core.bundles.predictor import load_predictor
from raphe.core.errors import RapheError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.kind import MANIFEST
from raphe.tasks.celltype.ensemble.bundle_runtime import GRAPH, WEIGHTS

NASTY: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**31, 10**18, 0.5, -1e300, "", "x" * 100, "../../x", "\x1b[31m", "$\\f$"),
    *([], {}, [[]], [None], [1, "a"], {"a": {}}, ["SER", "SER"], {"os": "system"}),
)


def seeds(folder: Path) -> Sequence[Path]:
    bundle = folder / "bundle"
    networks = [str(file) for file in sorted((OWN_DATA / "keras").glob("*N5.keras"))]
    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.main(
            ["export", "--no-register", "--checkpoints", *networks, "--out", str(bundle)]
        )
    assert code == 0
    return (bundle,)


def read(place: Path) -> int | None:
    if place.name == "tried":
        rng = random.Random((place / MANIFEST).read_bytes())
        if rng.random() < 0.8:
            _tamper(place, rng)
    predictor = load_predictor(place, threads=1)
    predictor.answer(predictor.example())
    return None


def _tamper(place: Path, rng: random.Random) -> None:
    """Damage a fact or a file of a sound bundle, and make the hashes anew."""
    sound = place.parent / "seeds" / "bundle"
    manifest = json.loads((sound / MANIFEST).read_bytes())
    name = rng.choice((GRAPH, WEIGHTS, MANIFEST, MANIFEST, MANIFEST))
    if name == MANIFEST:
        for _ in range(rng.choice((1, 1, 2))):
            container, key = rng.choice(list(_facts(manifest)))
            change = rng.random()
            if change < 0.2:
                del container[key]
            elif change < 0.3 and isinstance(container, dict):
                container[rng.choice(("x", "..", "\x1b[31m"))] = rng.choice(NASTY)
            else:
                container[key] = copy.deepcopy(rng.choice(NASTY))
    else:
        (place / name).write_bytes(mutated((sound / name).read_bytes(), drawn(rng)))
        manifest["files"][name] = sha256_of(place / name)
    (place / MANIFEST).write_text(BUNDLE.manifest_text(manifest), encoding="utf-8")


def _facts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a manifest, as what holds it and its key."""
    places = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, held in places[:50]:
        yield value, key
        if isinstance(held, (dict, list)):
            yield from _facts(held)


READER = Reader("", seeds, read, (BundleError, RapheError), beside=MANIFEST)
