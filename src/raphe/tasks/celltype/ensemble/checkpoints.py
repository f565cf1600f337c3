"""Networks in files: the authors' Keras models as they saved them, and checkpoints of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import load_module
from raphe.core.files.folders import list_files
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.sentences import listed
from raphe.tasks.celltype.ensemble.candidates import TOLD, Candidate
from raphe.tasks.celltype.spikes.cut_settings import UNIT
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.training.module import CellTypeModule

KERAS, OLD_KERAS, CHECKPOINT = ".keras", (".h5", ".hdf5"), ".ckpt"
NETWORK = f"{KERAS} or {CHECKPOINT}"
FACTS = ("n_samples", "rate_hz", "classes")  # in which all members of an ensemble are alike
MAKE_ONE = "`raphe fetch models FOLDER` brings the authors', `raphe train` makes others"


@dataclass(frozen=True)
class NetworkFile:
    """A network that was read from a file, and what the file tells of its windows."""

    path: Path
    candidate: Candidate
    classes: tuple[str, ...]
    n_samples: int
    rate_hz: float
    unit: str | None  # None: the file does not tell

    @property
    def weights(self) -> bytes:
        """The same for the same network, whatever kind of file holds it."""
        state = self.candidate.net.state_dict()
        return b"".join(value.numpy().tobytes() for value in state.values())

    @classmethod
    def read(cls, path: Path) -> "NetworkFile":
        """Raises SettingError or KerasFileError for what holds no network of this task."""
        is_keras = path.suffix.lower() != CHECKPOINT
        module = CellTypeModule.of_keras(path) if is_keras else _of_checkpoint(path)
        facts = module.hparams
        candidate = Candidate(
            path.name, f"SHA-256 {sha256_of(path)}", facts.kernel, module.net.eval()
        )
        if candidate.diverged:
            raise SettingError(f"{path}: some of its weights are NaN or infinite; leave it out")
        unit = UNIT if is_keras else None
        return cls(path, candidate, facts.classes, facts.n_samples, facts.rate_hz, unit)


def read_networks(paths: Sequence[Path]) -> list[NetworkFile]:
    """The networks in files and folders, which go together: one window, one set of classes.

    Raises SettingError or KerasFileError.
    """
    networks = [NetworkFile.read(path) for path in _files(paths)]
    first = networks[0]
    seen: dict[bytes, NetworkFile] = {}
    for network in networks:
        require_alike(first, network, "make a bundle of each kind")
        other = seen.setdefault(network.weights, network)
        if other is not network:
            raise SettingError(
                f"{network.path}: is the same network as {other.path}, and would count twice; name "
                "it once"
            )
    return networks


def require_alike(network: NetworkFile, other: NetworkFile | SpikeSet, remedy: str) -> None:
    """Raise SettingError where another network, or spikes, differ from a network in FACTS."""
    for name in FACTS:
        expected, got = getattr(network, name), getattr(other, name)
        if got != expected:
            raise SettingError(
                f"{other.path}: expected {name} {_told(expected)} as {network.path} has, got "
                f"{_told(got)}; {remedy}"
            )


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those in the folders named, however deep."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            of_folder = list_files(path, _is_network)
            if of_folder.left_out:  # an ensemble of fewer networks is another one
                raise SettingError(str(of_folder.left_out[0]))
            if not of_folder.files:
                raise SettingError(f"{path}: holds no {NETWORK} file; {MAKE_ONE}")
            files += of_folder.files
        elif not path.is_file():
            raise SettingError(f"{path}: there is no such file or folder; {MAKE_ONE}")
        elif not _is_network(path):
            raise SettingError(f"{path}: expected a {NETWORK} file, or a folder of them")
        else:
            files.append(path)
    return files


def _is_network(file: Path) -> bool:
    return file.suffix.lower() in (KERAS, *OLD_KERAS, CHECKPOINT)


def _of_checkpoint(path: Path) -> CellTypeModule:
    try:
        return load_module(CellTypeModule, path, str(path), needed=TOLD)
    except SettingError:  # which speaks of a run
        raise SettingError(
            f"{path}: expected the checkpoint of a cell type network, whole, as a run or `raphe "
            "import keras` leaves it; leave it out, or copy it anew"
        ) from None


def _told(value: object) -> str:
    """One of FACTS in words."""
    return listed(value) if isinstance(value, tuple) else f"{value:g}"
