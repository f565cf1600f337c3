"""Records of runs, as a tracking server may give them: values laid over the settings here."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from faults.reader import Reader
from raphe.core.errors import SettingError
from raphe.harness.settings.configuration import composed_settings
from raphe.harness.settings.recorded import Recorded, record


def seeds(folder: Path) -> Sequence[Path]:
    text = record(_local()).replace("choices: {}", "choices:\n    task: celltype")
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return (file,)


def read(path: Path) -> int:
    settings = Recorded.read(path.read_bytes(), str(path)).laid_over(_local())
    named = Recorded("", {}, OmegaConf.to_container(settings, resolve=True)).code
    assert named.items() <= _code_here().items(), "a record named code"
    return path.stat().st_size


@cache
def _local() -> DictConfig:
    return composed_settings()


@cache
def _code_here() -> dict:
    return Recorded("", {}, OmegaConf.to_container(_local(), resolve=True)).code


READER = Reader(".yaml", seeds, read, (SettingError,))
