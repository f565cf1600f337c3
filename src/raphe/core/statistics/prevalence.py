"""How frequent classes are: what probabilities are stated for, and what they become elsewhere.

C classes.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.sentences import counted, listed

GRAMMAR = "CLASS=SHARE for every class or all but one, as SER=0.3 or SER=0.3,NSER=0.7"


def log_ratio(given: Sequence[float], stated: Sequence[float]) -> np.ndarray:
    """What Bayes' rule adds to each log probability (C,) that is stated for other shares.

    P(c | x) is in proportion to p(x | c) · share of c, so that with `given` shares it is the stated
    one times given / stated, over the sum (Saerens et al. 2002). It holds where cells of one class
    are alike in both, and only how many of each there are differs.
    """
    return np.log(np.asarray(given, float) / np.asarray(stated, float))


def parse_prevalence(text: str) -> dict[str, float]:
    """Shares by class of text as "SER=0.3,NSER=0.7".

    Raises ValueError with a sentence for another form.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (word.strip() for word in part.rpartition("="))
        try:
            share = float(number)
        except ValueError:
            equals = ""
        if not (name and equals and number.isascii()):
            raise ValueError(f"expected {GRAMMAR}, got {text}")
        if name in shares:
            raise ValueError(f"expected each class once, got {name} twice")
        shares[name] = share
    return shares


def full_prevalence(shares: Mapping[str, float], classes: Sequence[str]) -> tuple[float, ...]:
    """The share of each class (C,), that of one left out being the rest.

    Raises SettingError: for a class that is none, more than one left out, a share that is not
    between 0 and 1, or a sum that is not 1.
    """
    if not isinstance(shares, Mapping):
        example = f"{{{classes[0]!r}: 0.3}}"
        raise SettingError(f"prevalence={shares}: expected a share by class, as {example}")
    given = ", ".join(f"{name}={share}" for name, share in shares.items())
    where = f"prevalence {given or 'of no class'}"
    if unknown := [name for name in shares if name not in classes]:
        expected = f"expected a share of {listed(classes, 'or')}"
        raise SettingError(f"{where}: {expected}, got one of {unknown[0]}")
    missing = [name for name in classes if name not in shares]
    if len(missing) > 1:
        raise SettingError(
            f"{where}: expected all but one of {counted('class', len(classes), 'classes')}, "
            f"{listed(missing)} are missing; give each as CLASS=SHARE"
        )
    full = dict(shares)
    if missing:
        full[missing[0]] = 1 - sum(shares.values())
    values = [full[name] for name in classes]
    if not all(isinstance(share, (int, float)) and 0 < share < 1 for share in values):
        raise SettingError(
            f"{where}: expected shares between 0 and 1, as 0.3, that leave some for each of "
            f"{listed(classes)}"
        )
    if abs(sum(values) - 1) > 1e-6:
        raise SettingError(f"{where}: expected shares that sum to 1, got {sum(values):g}")
    return tuple(share / sum(values) for share in values)


def shares_in_words(shares: Sequence[float], classes: Sequence[str]) -> str:
    """As "30 % SER and 70 % NSER"."""
    return listed(f"{_percent(share)} {name}" for share, name in zip(shares, classes, strict=True))


def _percent(share: float) -> str:
    """More digits where the share is small or nearly all; none where it is."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    digits = 0 if 0.1 <= share <= 0.9 else 1 if 0.01 <= share <= 0.99 else 3
    if min(share, 1 - share) < 5e-6:  # of which three digits leave nothing
        return f"{'less' if share < 0.5 else 'more'} than {0.001 if share < 0.5 else 99.999} %"
    return f"{100 * share:.{digits}f} %"
