"""The folder of runs: one that cannot be made or written, and one on a network."""

from pathlib import Path

import pytest

from raphe.core.errors import SettingError
from raphe.harness.database.folder import make_runs_folder, network_note

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/local\\040disk ext4 rw 0 0
me@host:/x /mnt/far fuse.sshfs rw 0 0
/dev/sdc1 /mnt/ntfs fuseblk rw 0 0
//nas/lab /mnt/nas cifs rw 0 0
broken
"""


@pytest.mark.parametrize("place", ["/proc/nowhere/runs", "file", "file/below"])
def test_a_folder_that_cannot_be_made_or_written_is_one_sentence(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"^runs_root=.*: cannot be made or written to: .*; "):
        make_runs_folder(tmp_path / place)
    make_runs_folder(tmp_path / "made" / "deeply")
    assert not list((tmp_path / "made" / "deeply").iterdir())


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/runs", "nfs4"),
        ("/mnt/far/runs", "fuse.sshfs"),
        ("/mnt/nas", "cifs"),
        ("/home/me/local disk/runs", None),
        ("/mnt/ntfs/runs", None),
        ("/homes/runs", None),
    ],
)
def test_a_folder_on_a_network_is_told_by_the_mount_that_holds_it(
    tmp_path: Path, folder: str, kind: str | None
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    note = network_note(Path(folder), mounts)
    assert (f"lies on a network ({kind})" in note) if kind else note == ""
    assert network_note(Path(folder), tmp_path / "absent") == ""
