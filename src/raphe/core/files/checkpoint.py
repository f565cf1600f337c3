"""Checkpoints that Lightning loads, replaced whole or not at all."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar
from zipfile import ZipFile

import pytorch_lightning as pl
import torch
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.utils import deterministic

from raphe.core.errors import RapheError, SettingError
from raphe.core.files.atomic import make_folder, open_whole
from raphe.core.sentences import printable

Module = TypeVar("Module", bound=pl.LightningModule)
SETTINGS = pl.LightningModule.CHECKPOINT_HYPER_PARAMS_KEY
# What a module is trained with or begins from: no checkpoint holds it, and one that did would name
# a file to be read.
OF_TRAINING = {"optimizer", "weights"}
SPARE_PARAMETERS, SPARE_ELEMENTS = 100, 10**6  # that a module may make and drop again
OF_A_RUN = "leave that run out, or train it again"
TRAINING_STATE = {"epoch", "global_step", "state_dict", "optimizer_states"}


def write_checkpoint(module: pl.LightningModule, path: Path | str) -> Path:
    """Write weights that were not trained here, to be read by the module's `load_from_checkpoint`.

    Returns the path. Raises StoreError when the operating system refuses.
    """
    state = {
        "pytorch-lightning_version": pl.__version__,
        "epoch": 0,
        "global_step": 0,
        "state_dict": module.state_dict(),
        SETTINGS: dict(module.hparams),
    }
    path = Path(path)
    make_folder(path.parent)
    return write_state(state, path)


def write_state(state: Mapping[str, Any], path: Path | str) -> Path:
    """Write the state of a training, as Lightning lays it out. Returns the path.

    Lightning's own writer uses the system's temporary folder, from which a move may be a copy.
    Raises StoreError when the operating system refuses.
    """
    with open_whole(path) as file:
        torch.save(state, file)
    return Path(path)


def training_fault(checkpoint: Path, weights: Mapping[str, torch.Tensor] | None = None) -> str:
    """Why training cannot go on from a checkpoint; "" where it can.

    Args:
        checkpoint: as Lightning or `write_state` wrote it, or whatever stands there.
        weights: of the model that is to go on, by name.
    """
    if not checkpoint.is_file():
        return "is not there"
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception:  # of a file that was cut or is another's anything may come
        return "is cut, damaged or no checkpoint"
    if is_damaged(checkpoint):
        return "is damaged"
    if not isinstance(state, dict) or not state.keys() >= TRAINING_STATE:
        return "holds no whole state of a training"
    if weights is not None and _shapes(state["state_dict"]) != _shapes(weights):
        return "is of another network"
    return ""


def _shapes(weights: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(weights, Mapping):
        return {}
    return {name: tuple(getattr(value, "shape", ())) for name, value in weights.items()}


def is_damaged(checkpoint: Path) -> bool:
    """Whether a byte of a checkpoint is not the one that was written, by the file's own sums.

    torch does not look at them, and reads a weight of another bit as it reads any other.
    """
    try:
        with ZipFile(checkpoint) as archive:
            return archive.testzip() is not None
    except Exception:  # of a file that was cut or changed anything may come
        return True


def require_weights(checkpoint: Path, whose: str, remedy: str = OF_A_RUN) -> None:
    """Refuse a checkpoint that holds more than weights and plain values, or names code.

    Raises SettingError.
    """
    _read_weights(checkpoint, whose, remedy)


def load_module(
    kind: type[Module],
    checkpoint: Path,
    whose: str,
    remedy: str = OF_A_RUN,
    needed: Collection[str] = (),
) -> Module:
    """The module that a checkpoint holds, on the CPU, to predict with.

    Its settings are held against its weights before memory is taken for a network of them. Which
    version of Lightning wrote it is not asked: weights and settings are all that is read.

    Args:
        kind: of the module, whose `hparams` the checkpoint's settings are.
        whose: what a sentence begins with, as "kernel=7 3f2a…" or the path.
        remedy: what a sentence ends with.
        needed: settings that the checkpoint must hold; others have defaults.

    Raises:
        SettingError: for what is no such checkpoint, and is run in no part.
    """
    weights, settings = _read_weights(checkpoint, whose, remedy)
    taken = set(signature(kind).parameters) - OF_TRAINING
    if fault := _fault_of_settings(settings, taken, needed):
        raise SettingError(f"{whose}: its checkpoint {fault}; {remedy}")
    try:
        with _no_larger_than(weights):
            module = kind(**settings)
        if fault := _misfit(_shapes(module.state_dict()), _shapes(weights)):
            raise SettingError(fault)
        module.load_state_dict(weights)
    except RapheError as error:
        raise SettingError(f"{whose}: its checkpoint does not fit: {error}; {remedy}") from None
    except Exception:  # settings of a wrong kind fail wherever they are first used
        raise SettingError(
            f"{whose}: its checkpoint's settings and weights do not fit together; {remedy}"
        ) from None
    return module


def _read_weights(
    checkpoint: Path, whose: str, remedy: str
) -> tuple[Mapping[str, torch.Tensor], Mapping[str, Any]]:
    """The weights by name and the settings. Raises SettingError for what holds more or less."""
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        weights, settings = state["state_dict"], state.get(SETTINGS, {})
        is_whole = _are_weights(weights) and isinstance(settings, Mapping)
    except Exception:  # whatever a file of somebody else's holds
        is_whole, weights, settings = False, {}, {}
    if is_whole and is_damaged(checkpoint):
        raise SettingError(f"{whose}: its checkpoint is damaged; {remedy}")
    nothing_run = f"nothing of it was run; {remedy}"
    if not is_whole:
        raise SettingError(f"{whose}: its checkpoint is no file of weights alone; {nothing_run}")
    if code := [printable(name) for name in settings if str(name).startswith("_")]:
        raise SettingError(f"{whose}: its checkpoint names code ({code[0]}); {nothing_run}")
    return weights, settings


def _are_weights(weights: object) -> bool:
    """Whether these are arrays by name, each with a number of its own in the file for each of its
    elements: a stride of 0 makes any size of one number."""
    return isinstance(weights, Mapping) and all(
        isinstance(name, str)
        and isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.nbytes <= value.untyped_storage().nbytes()
        for name, value in weights.items()
    )


def _fault_of_settings(
    settings: Mapping[Any, Any], taken: set[str], needed: Collection[str]
) -> str:
    if (taken and not settings) or not settings.keys() >= set(needed):
        return "does not hold the settings of its network"
    unknown = [printable(name) for name in settings if name not in taken]
    return f"has a setting that its network does not take ({unknown[0]})" if unknown else ""


def _misfit(expected: Mapping[str, tuple[int, ...]], got: Mapping[str, tuple[int, ...]]) -> str:
    """How weights differ from those that settings make, by name and shape; "" where they do not."""
    for name in [*expected, *got]:
        if name not in got:
            return f"its settings make weights {name}, which it does not hold"
        if name not in expected:
            return f"it holds weights {printable(name)}, which its settings do not make"
        if expected[name] != got[name]:
            return (
                f"weights {name} have shape {_shape(got[name])}, and its settings make "
                f"{_shape(expected[name])}"
            )
    return ""


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "of one number"


@contextmanager
def _no_larger_than(weights: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """While a module is built, end it where it comes to more weights than these.

    A parameter is counted when it is registered, before it is filled: the system has found it a
    place, and no memory yet. So neither a layer of terabytes nor a million layers are made.
    """
    n_more = SPARE_PARAMETERS + len(weights)
    n_elements_more = SPARE_ELEMENTS + sum(value.numel() for value in weights.values())

    def count(module: torch.nn.Module, name: str, parameter: torch.Tensor | None) -> None:
        nonlocal n_more, n_elements_more
        if parameter is None:
            return
        n_more -= 1
        n_elements_more -= parameter.numel()
        if min(n_more, n_elements_more) < 0:
            raise SettingError("its settings make more weights than it holds")

    # Where algorithms are to be deterministic torch fills a place with NaN as soon as it has it.
    is_filled = deterministic.fill_uninitialized_memory
    deterministic.fill_uninitialized_memory = False
    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()
        deterministic.fill_uninitialized_memory = is_filled
