"""What a user is told of an error: one line with the remedy, or None for a defect of ours."""

import sys

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from raphe.core.ending import AGAIN
from raphe.core.errors import RapheError
from raphe.core.files.refusals import FULL_START, is_disk_full, program_refusal
from raphe.core.sentences import first_line
from raphe.harness.database.address import without_credentials

SAID = 160  # characters of what MLflow says
LIST_ALL = "`raphe train --cfg job` lists them all"


class RunFailed(BaseException):
    """Carries an error past Hydra, which would print its own report of it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def user_line(error: BaseException) -> str | None:
    """One line for an error that settings, data or the disk cause; None for a defect of ours."""
    line = _line(error)
    return None if line is None else without_credentials(line)


def _line(error: BaseException) -> str | None:
    chain = _chain(error)
    for link in chain:
        if isinstance(link, RapheError):
            # Of a database that stopped answering, the full disk is what a user can mend.
            is_told = not is_disk_full(link) or str(link).startswith(FULL_START)
            return str(link) if is_told else program_refusal(link, sys.argv[1:])
    for link in chain:
        if isinstance(link, ConfigAttributeError | ConfigKeyError) and link.full_key:
            return f"no setting is called {link.full_key}; {LIST_ALL}"
        if _is_of_trainer(link):
            return f"trainer: {link}"
        if _is_of_tracking(link) and not is_disk_full(link):
            return f"tracking: {first_line(link, SAID)}; see to it and {AGAIN} to go on"
    for link in chain:
        if (sentence := program_refusal(link, sys.argv[1:])) is not None:
            return sentence
    if isinstance(error, InstantiationException):  # wraps whatever went wrong inside
        return None
    if any(isinstance(link, HydraException | OmegaConfBaseException) for link in chain):
        return " ".join(str(error).split())
    return None


def _is_of_trainer(error: BaseException) -> bool:
    """Lightning's own complaint, which is there only where Lightning has been imported."""
    lightning = sys.modules.get("pytorch_lightning.utilities.exceptions")
    return lightning is not None and isinstance(error, lightning.MisconfigurationException)


def _is_of_tracking(error: BaseException) -> bool:
    """What MLflow's server or database answers, where MLflow has been imported."""
    mlflow = sys.modules.get("mlflow.exceptions")
    return mlflow is not None and isinstance(error, mlflow.MlflowException)


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
