"""A bundle is there whole or not at all, and says in a sentence what is wrong with it."""

import json
import shutil
from pathlib import Path

import pytest

from raphe.core.bundles.bundle import BUNDLE, CARD, Bundle, BundleError, BundleWriter, open_bundle
from raphe.core.bundles.manifest import BundleKind, facts
from raphe.core.errors import RapheError, StoreError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.kind import MANIFEST
from raphe.core.files.store import StoreWriter

KIND = BundleKind("test/ensemble", ("model.onnx", CARD), ("config.yaml",), facts({"classes": {}}))
FILES = {"model.onnx": b"\x00graph", "config.yaml": "µ: 1\n".encode(), CARD: b"# a card\n"}


def write(path: Path, overwrite: bool = False, **facts: object) -> Bundle:
    with BundleWriter(path, overwrite) as writer:
        return writer.finish(KIND, FILES, {"classes": ["A", "B"], **facts})


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write(tmp_path / "bundle")


def test_what_was_written_is_read_back(bundle: Bundle) -> None:
    opened = open_bundle(bundle.path, KIND)
    assert opened.manifest["classes"] == ["A", "B"]
    for name, content in FILES.items():
        assert opened.file(name).read_bytes() == content
        assert opened.manifest["files"][name] == sha256_of(bundle.path / name)
    assert opened.content_hash == bundle.content_hash
    assert {file.name for file in bundle.path.iterdir()} == {*FILES, MANIFEST}


def test_a_copy_elsewhere_is_as_good(bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(bundle.path, tmp_path / "by mail")
    assert open_bundle(tmp_path / "by mail", KIND).content_hash == bundle.content_hash


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_named(bundle: Bundle, name: str) -> None:
    (bundle.path / name).write_bytes(FILES[name] + b" ")
    with pytest.raises(BundleError, match=f"{name}: altered or damaged.*export it again"):
        open_bundle(bundle.path, KIND)


def test_a_missing_file_is_named(bundle: Bundle) -> None:
    (bundle.path / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx: missing, the manifest names it"):
        open_bundle(bundle.path, KIND)


def test_an_altered_manifest_is_refused(bundle: Bundle) -> None:
    text = (bundle.path / MANIFEST).read_text().replace('"A"', '"Z"')
    (bundle.path / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="was changed after it was written"):
        open_bundle(bundle.path, KIND)


def test_a_newer_format_says_so_whatever_else_it_holds(bundle: Bundle) -> None:
    newer = {"format": BUNDLE.format + 1, "raphe": "9.9", "layout": "unheard of"}
    (bundle.path / MANIFEST).write_text(json.dumps(newer))
    with pytest.raises(
        BundleError, match=rf"format {BUNDLE.format + 1}.*update raphe \(made by 9\.9\)"
    ):
        open_bundle(bundle.path, KIND)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff", "is not a bundle's manifest, it is no JSON;"),
        (b"[]", "is not a bundle's manifest, it names no format;"),
        (b'{"format": 1}', "names no files"),
    ],
)
def test_a_manifest_of_something_else_is_refused(bundle: Bundle, content: bytes, told: str) -> None:
    (bundle.path / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=told):
        open_bundle(bundle.path, KIND)


def test_other_folders_are_told_from_bundles(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle here"):
        open_bundle(tmp_path / "nowhere", KIND)
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        open_bundle(tmp_path, KIND)
    with pytest.raises(BundleError, match=f"expected a bundle of other/kind, got {KIND.name}"):
        open_bundle(bundle.path, BundleKind("other/kind", (), (), {}))
    with pytest.raises(BundleError, match="names no weights"):
        bundle.file("weights")


def test_a_failed_export_leaves_what_was_there(bundle: Bundle) -> None:
    with pytest.raises(ZeroDivisionError), BundleWriter(bundle.path, overwrite=True):
        _ = 1 / 0
    assert open_bundle(bundle.path, KIND).content_hash == bundle.content_hash
    assert list(bundle.path.parent.iterdir()) == [bundle.path]


def test_only_a_bundle_is_replaced_and_only_when_asked(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="pass --overwrite"):
        write(bundle.path)
    assert write(bundle.path, overwrite=True, note="anew").manifest["note"] == "anew"

    (bundle.path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds thesis\.txt, which raphe did not write there"):
        write(bundle.path, overwrite=True)
    (bundle.path / "thesis.txt").unlink()
    (bundle.path / "manifest.json").write_text("{}")
    with pytest.raises(StoreError, match="not that of a bundle, so it is not replaced"):
        write(bundle.path, overwrite=True)

    with StoreWriter(tmp_path / "store", {"x": ((), "uint8")}) as writer:
        store = writer.finish({"kind": "test/store"})
    with pytest.raises(RapheError, match=f"holds no {CARD}, so it is not replaced"):
        write(store, overwrite=True)


def test_a_fact_that_json_has_no_word_for_is_a_defect_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "bundle", loss=float("nan"))
    assert not list(tmp_path.iterdir())
