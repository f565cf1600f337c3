"""A manifest that was changed with its hashes made anew is told in a sentence, whatever it says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from raphe.core.bundles.bundle import (
    BUNDLE,
    CARD,
    BundleError,
    BundleWriter,
    check_bundle,
    open_bundle,
)
from raphe.core.bundles.manifest import (
    COUNT,
    NAME,
    BundleKind,
    by_name,
    exactly,
    facts,
    list_of,
    or_none,
)
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.kind import MANIFEST

KIND = BundleKind(
    "test/ensemble",
    files=("member_{}.onnx", CARD),
    may_hold=("config.yaml",),
    manifest=facts(
        {
            "members": list_of(exactly({"name": NAME, "kernel": COUNT}), 1),
            "domain": or_none(by_name(list_of(COUNT))),
        },
        may={"note": NAME},
    ),
)
FACTS = {"members": [{"name": "a", "kernel": 3}], "domain": None}
SHA = "0" * 64


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    with BundleWriter(tmp_path / "bundle") as writer:
        return writer.finish(KIND, {"member_0.onnx": b"graph", CARD: b"a card"}, FACTS).path


def change(bundle: Path, **facts: Any) -> None:
    """Give the manifest other facts and its hash; None takes a fact away."""
    manifest = json.loads((bundle / MANIFEST).read_text()) | facts
    manifest = {name: value for name, value in manifest.items() if value != "absent"}
    (bundle / MANIFEST).write_text(BUNDLE.manifest_text(manifest))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"members": "absent"}, "it holds no members;"),
        ({"members": []}, "members must contain at least 1 items"),
        ({"members": [{"name": "a"}]}, r"it holds no kernel in members\[0\]"),
        ({"members": [{"name": "a", "kernel": "3"}]}, r"members\[0\]\.kernel must be integer"),
        ({"members": [{"name": "a", "kernel": 3, "os": 1}]}, r"must not contain \{'os'\}"),
        ({"members": None}, "members must be array"),
        ({"domain": {"\x1b[31m": 1}}, "domain"),
        ({"note": 3}, "note must be string"),
    ],
    ids=str,
)
def test_a_fact_that_is_none_is_named(bundle: Path, facts: dict[str, Any], told: str) -> None:
    change(bundle, **facts)
    with pytest.raises(BundleError, match=rf"manifest\.json: .*{told}") as caught:
        open_bundle(bundle, KIND)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a/b", "..", "", "C:\\x", "a\nb"])
def test_files_elsewhere_are_never_opened(
    bundle: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = json.loads((bundle / MANIFEST).read_text())["files"]
    change(bundle, files=hashes | {name: SHA})
    monkeypatch.setattr(BUNDLE.__class__, "check_file", lambda *arguments: pytest.fail("opened"))
    for call in (lambda: open_bundle(bundle, KIND), lambda: check_bundle(bundle)):
        with pytest.raises(BundleError, match="files") as caught:
            call()
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name", ["run.py", "member_1.onnx.txt", "member_01.onnx", "member_-1.onnx"]
)
def test_files_that_no_such_bundle_holds_are_refused(bundle: Path, name: str) -> None:
    (bundle / name).write_bytes(b"")
    hashes = json.loads((bundle / MANIFEST).read_text())["files"]
    change(bundle, files=hashes | {name: sha256_of(bundle / name)})
    with pytest.raises(BundleError, match=f"names a file '{name}'"):
        open_bundle(bundle, KIND)


def test_a_file_that_it_must_hold_is_named(bundle: Path) -> None:
    change(bundle, files={CARD: sha256_of(bundle / CARD)})
    with pytest.raises(BundleError, match=r"it names no member_0\.onnx"):
        open_bundle(bundle, KIND)


def test_a_link_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    (bundle / CARD).rename(tmp_path / "elsewhere")
    (bundle / CARD).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=rf"{CARD}: is a link, expected the file itself"):
        open_bundle(bundle, KIND)


def test_a_large_file_is_not_read(bundle: Path) -> None:
    os.truncate(bundle / CARD, 20 * 2**30)
    with pytest.raises(BundleError, match=rf"{CARD}: is larger than 2048 MB"):
        open_bundle(bundle, KIND)


@pytest.mark.parametrize(
    "text", ["[" * 10**5, '{"format": NaN}', '{"format": 1e999}', "1" * 5000, "null", '"\\ud800"']
)
def test_what_is_no_manifest_is_told(bundle: Path, text: str) -> None:
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=r"is not a bundle's manifest, it (is no JSON|names no)"):
        open_bundle(bundle, KIND)


def test_the_bundle_that_was_asked_for_and_no_other(bundle: Path) -> None:
    content_hash = check_bundle(bundle).content_hash
    for right in (content_hash, content_hash[:12], content_hash.upper()):
        assert open_bundle(bundle, KIND, right).content_hash == content_hash
    with pytest.raises(BundleError, match="not the 000000000000 that was asked for"):
        open_bundle(bundle, KIND, "000000000000")
    for short in ("", content_hash[:11], "content hash"):
        with pytest.raises(BundleError, match="expected its first 12 hexadecimal digits"):
            open_bundle(bundle, KIND, short)
