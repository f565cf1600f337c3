"""The kind of a store or bundle, from its manifest alone."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.manifest import BundleKind
from raphe.core.files.kind import is_bundle, kind_of
from raphe.core.files.store import StoreWriter

KIND = BundleKind("glif/posterior", (CARD,), (), {})


def test_a_store_and_a_bundle_tell_their_kind(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", {"trace": ((), "float32")}) as writer:
        writer.finish({"kind": "calcium/traces"})
    with BundleWriter(tmp_path / "bundle") as writer:
        writer.finish(KIND, {CARD: b"a card"}, {})
    assert kind_of(tmp_path / "store") == "calcium/traces" and not is_bundle(tmp_path / "store")
    assert kind_of(tmp_path / "bundle") == "glif/posterior" and is_bundle(tmp_path / "bundle")


@pytest.mark.parametrize("text", [None, "", "[1, 2]", "{", '{"kind": 3}', "\xff"])
def test_without_a_manifest_to_read_there_is_no_kind(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    assert kind_of(tmp_path) is None and not is_bundle(tmp_path)
    assert kind_of(tmp_path / "nowhere") is None


def test_a_bundle_whose_replacement_was_killed_is_put_back(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "bundle") as writer:
        writer.finish(KIND, {CARD: b"a card"}, {})
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    process = int(ended.stdout)
    hidden = f".bundle.{socket.gethostname()}.{process}.0.0123abcd.old"
    (tmp_path / "bundle").rename(tmp_path / hidden)
    assert kind_of(tmp_path / "bundle") == "glif/posterior"
