"""What a user is told of an error: one line with the remedy, or None for a defect of ours."""

import difflib

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from raphe.core.errors import RapheError
from raphe.harness import settings
from raphe.harness.configuration import conf_folder

NO_SPACE = 28  # errno.ENOSPC


def user_line(error: BaseException) -> str | None:
    """One line for an error that settings, data or the disk cause; None for a defect of ours."""
    chain = _chain(error)
    for link in chain:
        if isinstance(link, RapheError):
            return str(link)
    for link in chain:
        if isinstance(link, ConfigAttributeError | ConfigKeyError) and link.full_key:
            return _unknown_setting(link.full_key)
        if isinstance(link, MisconfigurationException):
            return f"trainer: {link}"
        if isinstance(link, OSError) and _is_users(link):
            return f"{link.filename}: {link.strerror}; name a folder that can be written to"
    if isinstance(error, InstantiationException):  # wraps whatever went wrong inside
        return None
    if any(isinstance(link, HydraException | OmegaConfBaseException) for link in chain):
        return " ".join(str(error).split())
    return None


def _is_users(error: OSError) -> bool:
    kinds = (PermissionError, NotADirectoryError, FileExistsError)
    return error.filename is not None and (isinstance(error, kinds) or error.errno == NO_SPACE)


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _unknown_setting(key: str) -> str:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        known = settings.names(compose("train"))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"no setting is called {key}; {hint}`raphe train --cfg job` lists them all"
