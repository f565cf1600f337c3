"""Hydra's callback around a multirun. Hydra imports it at its start, so that it loads little."""

import contextlib
import sys
import traceback
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from raphe.harness.process import quieten
from raphe.harness.settings import composed
from raphe.harness.start.explain import user_line

if TYPE_CHECKING:
    from raphe.harness.sweeps.parent import SweepParent


class SweepCallback(Callback):
    """Hydra's callback in the process that starts a multirun; workers carry an empty copy."""

    exit_code: ClassVar[int] = 0
    _running: ClassVar["SweepParent | None"] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        # Hydra turns an exception here into a warning and goes on; an exit it lets pass.
        quieten()
        try:
            composed.check_values(config)
            from raphe.harness.launchers.local import load_ahead

            load_ahead(config)
            composed.check_evaluation(config)
            from raphe.harness.sweeps.sweep import begin_sweep  # loads torch and MLflow

            SweepCallback._running = begin_sweep(config)
            SweepCallback._running.start()
            SweepCallback._running.show_progress()
        except Exception as error:
            SweepCallback.end_running("FAILED")
            sys.exit(_told(error))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        # Here, too, Hydra would turn an exception into a warning, and the exit code into 0.
        try:
            sweep = SweepCallback.running()
            ends_well = sweep.leave() if _detaches(config) else sweep.finish()
            SweepCallback.exit_code = 0 if ends_well else 1
            SweepCallback._running = None
        except Exception as error:
            SweepCallback.exit_code = 1
            print(_told(error), file=sys.stderr)
            SweepCallback.end_running("FAILED")

    @classmethod
    def running(cls) -> "SweepParent":
        """The sweep whose members this process launches."""
        assert cls._running is not None  # or Hydra would launch nothing
        return cls._running

    @classmethod
    def end_running(cls, status: str) -> None:
        """End a sweep that cannot go on, as KILLED or FAILED."""
        sweep, cls._running = cls._running, None
        if sweep is not None:
            from raphe.harness.tracking import TrackingError

            with contextlib.suppress(TrackingError):  # it may be why the sweep cannot go on
                sweep.abandon(status)


def _detaches(config: DictConfig) -> bool:
    return bool(OmegaConf.select(config, "hydra.launcher.detach"))


def _told(error: Exception) -> str:
    line = user_line(error)
    if line is None:
        traceback.print_exception(error)
    return f"error: {line or 'the sweep could not go on, see above'}"
