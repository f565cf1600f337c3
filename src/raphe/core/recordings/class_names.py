"""What may be the name of a class: not the words for a label that is missing."""

from collections.abc import Sequence

from raphe.core.sentences import printable

NO_LABEL = frozenset(
    {"", "nan", "none", "null", "nil", "na", "n/a", "#n/a", "unknown", "unlabelled", "unlabeled"}
    | {"unclassified", "unidentified", "undefined", "?", "??", "-", "--", "–", "."}
)


def is_class(label: str) -> bool:
    """Whether a label names a class.

    >>> is_class("PV"), is_class("NaN"), is_class("?")
    (True, False, False)
    """
    return label.strip().casefold() not in NO_LABEL


def check_classes(classes: Sequence[str], where: str, error_type: type[Exception]) -> None:
    """Raise `error_type` for a name that is none, that no terminal can show, or that comes twice,
    whatever the case.

    `where` is the option or the file that names them.
    """
    spelt: dict[str, str] = {}
    for name in classes:
        if not is_class(name):
            raise error_type(f"{where}: {name!r} is the name of no class; leave it out")
        if name != printable(name):
            raise error_type(f"{where}: {name!r} holds what no terminal can show; rename the class")
        if name.casefold() in spelt:
            raise error_type(
                f"{where}: expected each class once, whatever the case, got "
                f"{spelt[name.casefold()]} and {name}"
            )
        spelt[name.casefold()] = name
