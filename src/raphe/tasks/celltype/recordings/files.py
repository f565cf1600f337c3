"""Which recordings a folder holds, told by their names: none is opened."""

from pathlib import Path

from raphe.core.files.folders import Listing, list_files
from raphe.core.files.left_out import Failure
from raphe.core.neo.formats import is_of_other_rig, recording_name

SUFFIXES = (".abf", ".nwb")


def is_recording(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES or is_of_other_rig(file)


def find_recordings(folder: Path) -> Listing:
    """The recordings below `folder` in the order of their paths, and what cannot be taken."""
    return without_originals(list_files(folder, is_recording))


def without_originals(recordings: Listing) -> Listing:
    """One of each: where an ABF or NWB file lies beside another rig's of its name, it is taken as
    exported from that one."""
    exported = {
        (file.parent, file.stem): file
        for file in recordings.files
        if file.suffix.lower() in SUFFIXES
    }
    files, left_out = [], list(recordings.left_out)
    for file in recordings.files:
        export = exported.get((file.parent, recording_name(file)))
        if export is None or not is_of_other_rig(file):
            files.append(file)
            continue
        left_out.append(
            Failure(
                file,
                f"{export.name} beside it has its name and is read in its place, as exported from "
                "it; rename one if they are two recordings",
            )
        )
    return Listing(files, left_out)
