"""Trainings that a task asks for by itself, as an audit does: the harness's own, but untracked."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import pytorch_lightning as pl
from filelock import Timeout
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError
from raphe.core.files.locks import lock_file
from raphe.core.protocol import FitSettings
from raphe.harness import callbacks, identity
from raphe.harness.process import keep_freed_memory, quieten
from raphe.harness.run import ctrl_c, denormals_flushed
from raphe.harness.settings.composed import require_device
from raphe.harness.settings.configuration import conf_folder
from raphe.harness.trainer import build_trainer

MODE = "min"


class Fitting:
    """A `Fit` (see raphe.core.protocol) for the trainings of one command, which are a whole.

    Each leaves its checkpoints under `runs_root`/work, so that a call that was interrupted goes on
    where it was; once the context ends without an exception they are removed.

    Args:
        runs_root: folder of tracked runs.
        trainer: a file of conf/trainer, "cpu" or "gpu".
    """

    def __init__(self, runs_root: Path, trainer: str = "cpu") -> None:
        self._work = Path(runs_root) / "work"
        self._trainer = _trainer_settings(trainer)
        self._folders: list[Path] = []

    def __enter__(self) -> "Fitting":
        quieten()
        keep_freed_memory()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)

    def __call__(
        self,
        name: str,
        build_model: Callable[[], pl.LightningModule],
        data: pl.LightningDataModule,
        settings: FitSettings,
    ) -> pl.LightningModule:
        pl.seed_everything(settings.seed, workers=True, verbose=False)
        model = build_model()
        work = self._folder(name, model, data, settings)
        try:
            with lock_file(work / "lock").acquire(blocking=False), ctrl_c(), denormals_flushed():
                self._fit_and_test(model, data, settings, work)
        except Timeout:
            raise SettingError(
                f"{name}: another process is training this (same settings, same data); wait for it"
            ) from None
        return model

    def _fit_and_test(
        self,
        model: pl.LightningModule,
        data: pl.LightningDataModule,
        settings: FitSettings,
        work: Path,
    ) -> None:
        own = [
            callbacks.SeedEachEpoch(settings.seed),
            callbacks.RequireMetric(settings.monitor),
            *callbacks.checkpoints(work, settings.monitor, MODE),
            *callbacks.early_stopping(settings.monitor, MODE, settings.patience),
        ]
        config = OmegaConf.create({"trainer": {**self._trainer, "max_epochs": settings.max_epochs}})
        trainer = build_trainer(config, work, own)
        resume_from = callbacks.if_of_network(callbacks.checkpoint_to_resume(work), model)
        if resume_from is None or not callbacks.had_ended(resume_from):
            trainer.fit(model, datamodule=data, ckpt_path=resume_from)
        pl.seed_everything(settings.seed, workers=True, verbose=False)  # as if it had just trained
        trainer.test(model, datamodule=data, ckpt_path=work / callbacks.BEST, verbose=False)

    def _folder(
        self,
        name: str,
        model: pl.LightningModule,
        data: pl.LightningDataModule,
        settings: FitSettings,
    ) -> Path:
        key = identity.digest(
            {
                "fit": name,
                "model": dict(model.hparams),
                "data": data.hashes,
                "trainer": dict(self._trainer),
                **asdict(settings),
            }
        )
        folder = self._work / key[:16]
        folder.mkdir(parents=True, exist_ok=True)
        self._folders.append(folder)
        return folder


def _trainer_settings(name: str) -> DictConfig:
    """The section `trainer` as a file of conf/trainer has it. Raises SettingError."""
    folder = conf_folder()
    names = sorted(file.stem for file in (folder / "trainer").glob("*.yaml"))
    if name not in names:
        raise SettingError(f"trainer={name}: expected {' or '.join(names)}")
    with initialize_config_dir(str(folder), version_base="1.3"):
        trainer = compose(f"trainer/{name}").trainer
    require_device(trainer)
    return trainer
