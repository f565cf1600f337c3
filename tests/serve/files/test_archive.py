"""A zip that a stranger sent: what may be harmful is refused before or while it is unpacked."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from http_caller import Caller
from raphe.core.errors import RecordingError
from raphe.serve.files.archive import unpack

AT_MOST = 10_000


def unpacked(folder: Path, contents: bytes) -> list[str]:
    (folder / "sent.zip").write_bytes(contents)
    unpack(folder / "sent.zip", folder / "sent", (".npy", ".txt"), AT_MOST)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "sent.zip"]
    return sorted(path.relative_to(folder / "sent").as_posix() for path in files)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], comment: bytes = b"") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members:
            archive.writestr(name, contents)
        archive.comment = comment
    return sink.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def test_files_of_known_kinds_are_unpacked_with_their_folders(tmp_path: Path) -> None:
    contents = zipped(
        ("suite2p/", b""),
        ("suite2p/plane0/F.npy", b"1"),
        ("suite2p\\plane1\\F.NPY", b"2"),
        ("suite2p/plane0/data.bin", b"x" * 2 * AT_MOST),
        ("__MACOSX/suite2p/._F.npy", b"3"),
        (".hidden/F.npy", b"4"),
        ("notes Größe (1).txt", b"5"),
        comment=b"as some programs leave",
    )
    assert unpacked(tmp_path, contents) == [
        "notes Größe (1).txt",
        "suite2p/plane0/F.npy",
        "suite2p/plane1/F.NPY",
    ]


@pytest.mark.parametrize(
    "name",
    ["../F.npy", "/etc/F.npy", "a/../../F.npy", "C:/F.npy", "..\\F.npy", "a//F.npy", "aux/F.npy",
     "a/b\n/F.npy", "x" * 250 + ".npy", "a /F.npy", "a./F.npy", "/".join("abcdefghi") + "/F.npy",
     "NUL.npy", "a\u202eb/F.npy", "-F.npy"],
)  # fmt: skip
def test_names_that_are_not_plain_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="not plain"):
        unpacked(tmp_path, zipped((name, b"1")))
    assert [path.name for path in tmp_path.rglob("*")] in (
        ["sent.zip", "sent"],
        ["sent", "sent.zip"],
    )


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([(link("F.npy"), b"/etc/passwd")], "holds a link"),
        ([("F.npy", b"1"), ("f.npy", b"2")], "two files of one name"),
        ([("a.npy", b"1"), ("a.npy/b.npy", b"2")], "two files of one name"),
        ([("a.npy", b"1"), ("a.npy/b/c.npy", b"2")], "two files of one name"),
        ([("F.npy", bytes(AT_MOST + 1))], "more than 10 kB, unpacked"),
        ([(f"{i}.npy", bytes(AT_MOST // 2)) for i in range(3)], "more than 10 kB, unpacked"),
        ([("F.bin", b"1")], r"expected a \.npy or \.txt file in it, got none"),
        ([], r"expected a \.npy or \.txt file in it, got none"),
        ([("F.npy", b""), (link("G.bin"), b"x")], ""),
    ],
)
def test_what_may_not_be_in_it(tmp_path: Path, members: list, told: str) -> None:
    if not told:  # a link that is not unpacked does no harm
        assert unpacked(tmp_path, zipped(*members)) == ["F.npy"]
        return
    with pytest.raises(RecordingError, match=told):
        unpacked(tmp_path, zipped(*members))


def test_a_zip_of_very_many_files_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for number in range(501):
            opened.writestr(f"{number}.npy", b"")
    with pytest.raises(RecordingError, match="at most 500"):
        unpack(archive, tmp_path / "out", (".npy",), 10**6)
    assert not any((tmp_path / "out").iterdir())


def test_what_says_to_be_small_and_is_not_is_cut(tmp_path: Path) -> None:
    contents = zipped(("F.npy", bytes(100 * AT_MOST)))
    for signature, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):  # the sizes in both its lists
        place = contents.index(signature) + at
        contents = contents[:place] + struct.pack("<L", 10) + contents[place + 4 :]
    with pytest.raises(RecordingError, match="cut, damaged or packed"):
        unpacked(tmp_path, contents)
    assert (tmp_path / "sent" / "F.npy").stat().st_size <= AT_MOST


def test_a_list_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    contents = zipped(("F.npy", b"1"))
    end = contents.rindex(b"PK\5\6")
    long_list = contents[: end + 12] + struct.pack("<L", 2**31) + contents[end + 16 :]
    large = contents[:end] + b"PK\6\7" + bytes(16) + contents[end:]
    for hostile in (long_list, large):
        with pytest.raises(RecordingError, match="too many files, or is too large"):
            unpacked(tmp_path, hostile)
        (tmp_path / "sent").rmdir()


def test_what_is_no_whole_zip_is_refused(tmp_path: Path) -> None:
    whole = zipped(("F.npy", bytes(range(256)) * 20))
    locked = bytearray(whole)
    locked[locked.index(b"PK\1\2") + 8] |= 1
    for contents in (b"", b"PK\5\6", whole[:-5], whole[:50], whole[60:], b"\x89HDF\r\n\x1a\n" * 9):
        with pytest.raises(RecordingError, match="cut, damaged or packed"):
            unpacked(tmp_path, contents)
        (tmp_path / "sent").rmdir()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("F.npy", b"1")
    with pytest.raises(RecordingError, match="packed in an unusual way"):
        unpacked(tmp_path, packed.getvalue())
    (tmp_path / "sent").rmdir()
    with pytest.raises(RecordingError, match="locked with a password"):
        unpacked(tmp_path, bytes(locked))


def test_any_damage_is_one_sentence_or_none(tmp_path: Path) -> None:
    whole = zipped(("a/F.npy", bytes(range(256)) * 4), ("b.txt", b"1 2 3"))
    for place in range(0, len(whole), 7):
        folder = tmp_path / str(place)
        folder.mkdir()
        damaged = whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :]
        try:
            unpacked(folder, damaged)
        except RecordingError as error:
            assert str(error).startswith(str(folder / "sent.zip"))


def test_a_zip_is_opened_as_a_folder(page: Caller) -> None:
    sent = page.post("/files?name=suite2p.zip", zipped(("suite2p/F.txt", b"1 9 8 7")))
    assert sent.status == 201 and sent.json["view"]["headline"] == "many"
    refused = page.post("/files?name=suite2p.zip", zipped(("../F.txt", b"1")))
    assert refused.status == 422 and refused.sentence.startswith("suite2p.zip: holds a file whose")
    bad = page.post("/files?name=suite2p.zip", zipped(("a/F.txt", b"bad")))
    assert bad.sentence == "recording/a/F.txt: expected numbers, got bad; give “Sweep”"
