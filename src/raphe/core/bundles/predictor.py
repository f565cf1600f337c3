"""What a bundle that was opened to predict with says of itself, whatever its `predict` takes."""

import math
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from raphe.core.bundles.bundle import CARD, Bundle, BundleError, bundle_kind
from raphe.core.bundles.fields import Field
from raphe.core.bundles.opened_file import LabelTable, OpenedFile, WatchedFolder
from raphe.core.errors import RapheError, RecordingError, SettingError
from raphe.core.extras import missing_extra
from raphe.core.sentences import number, whole


class BundlePredictor:
    """An opened bundle, to predict with: from Python by the task's `predict`, from elsewhere by
    values of JSON in and out, which `raphe serve` and MLflow ask for.

    `TITLE` says in a few words what it tells of what. `FIELDS` are the values that `answer` takes;
    `SUFFIXES` the files that `answer_file` reads, and `FILE_FIELDS` what may be said beside one.
    `ANSWER` holds what comes back, by name. `PREPARES` says what `prepare` does, where the first
    answer would wait for it.
    """

    TITLE: ClassVar[str] = ""
    FIELDS: ClassVar[tuple[Field, ...]] = ()
    SUFFIXES: ClassVar[tuple[str, ...]] = ()
    FILES_HOLD: ClassVar[str] = ""  # what must be in them, where a suffix does not tell
    WATCHED: ClassVar[tuple[str, ...]] = ()  # of these, what `watch` tells of
    FILE_FIELDS: ClassVar[tuple[Field, ...]] = ()
    ANSWER: ClassVar[Mapping[str, str]] = {}
    PREPARES: ClassVar[str] = ""

    def __init__(self, bundle: Bundle) -> None:
        self._opened = bundle

    def __repr__(self) -> str:
        return f"<raphe bundle of {self.manifest['kind']} in {self.path}>"

    @property
    def path(self) -> Path:
        """The bundle's folder."""
        return self._opened.path

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the bundle says of itself, such as its members, their training and its figures."""
        return self._opened.manifest

    @property
    def content_hash(self) -> str:
        """SHA-256 over the manifest, which holds the SHA-256 of every file."""
        return self._opened.content_hash

    @property
    def card(self) -> str:
        """The model card, in Markdown."""
        return self._opened.file(CARD).read_text(encoding="utf-8")

    def prepare(self) -> None:
        """Do ahead what the first answer would wait for: by default, have the example answered."""
        self.answer(self.example())

    def example(self) -> dict[str, Any]:
        """Values that `answer` takes: of no cell, to try with."""
        raise NotImplementedError

    def answer(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The answer to one item, values of FIELDS, as JSON has it. Raises RapheError."""
        raise NotImplementedError

    def answer_file(self, path: Path, values: Mapping[str, object]) -> dict[str, Any]:
        """The answer to a file of one of SUFFIXES, with values of FILE_FIELDS, as JSON has it.

        What the file is called plays no part. Raises RapheError.
        """
        raise NotImplementedError

    def open_file(
        self, path: Path, name: str, values: Mapping[str, object], beside: Mapping[str, Path]
    ) -> OpenedFile:
        """A file of one of SUFFIXES for the page, which shows it as `name`.

        Args:
            path: of the file, or the folder into which a .zip was unpacked, of whose files there
                are those of the other SUFFIXES but tables; it is not read after the call.
            name: what its sender calls it.
            values: of FILE_FIELDS.
            beside: further files that belong to it, by the role that `View.need` named.

        Raises:
            RapheError: it cannot be read.
        """
        raise NotImplementedError

    def watch(self, folder: Path, values: Mapping[str, object]) -> WatchedFolder:
        """The folder, to be polled; `values` of FILE_FIELDS are those of its files.

        Raises RapheError, also where the task's files do not grow.
        """
        raise SettingError(f"{folder}: a bundle of {self.manifest['kind']} does not watch folders")

    @property
    def labels(self) -> tuple[str, ...]:
        """What a person may say of a cell by hand, such as its class; () where nothing."""
        return ()

    def label_table(self, existing: Path | None = None) -> LabelTable:
        """The table of labels in a file, or a new one. Raises RapheError where it cannot be."""
        raise NotImplementedError

    def sentence(
        self, error: RapheError | str, folder: Path | None = None, on_page: bool = False
    ) -> str:
        """What an error or a remark says, for whoever is far away: without folders of this
        machine, and with fields for options of the command line: by their names, or as the page
        labels them."""
        text = str(error)
        for path, words in ((folder, "the folder"), (self.path, "bundle")):
            if path is not None and path.is_absolute():  # others tell nothing of this machine
                start = rf"(?<![\w.~-]){re.escape(str(path))}"  # of a path, or all of it
                text = re.sub(rf"{start}[/\\]", "", text)
                text = re.sub(rf"{start}(?![\w~-]|\.\w)", words, text)
        for field in self.FILE_FIELDS if on_page else ():
            text = _labelled(text, field)
        for field in (*self.FIELDS, *self.FILE_FIELDS):
            if field.option:
                text = re.sub(_option(field), field.name, text)
        return text


PLACEHOLDER = r"(?:[A-Z]{2,}|N)\b(?!=)"  # of an option's value, as in --rate HZ


def _option(field: Field) -> str:
    """What names a field's option in a sentence, with the placeholder of its value."""
    return rf"(?:\b{field.name}=, or )?{field.option}(?![\w-])(?: {PLACEHOLDER})?"


def _labelled(text: str, field: Field) -> str:
    """A sentence in which a field has the name that the page shows, and what is to be done there.

    As "pass --unit mV" is “set “Voltage unit” to mV”.
    """
    label = f"“{field.label}”"
    text = re.sub(rf"\b{field.name}(?=: expected)", label, text)
    if not field.option:
        return text
    option = _option(field)
    if field.kind == "flag":
        text = re.sub(rf"\bpass {option}", f"tick {label}", text)
    value = rf"(?!(?:if|to|for|or)\b|{PLACEHOLDER})([\w.-]+)"
    text = re.sub(rf"\bpass {field.option} {value}", rf"set {label} to \1", text)
    return re.sub(option, label, re.sub(rf"\bpass {option}", f"give {label}", text))


def load_predictor(
    path: Path | str | None, threads: int | None = None, content_hash: str | None = None
) -> Any:
    """What predicts with a bundle of whichever task, a BundlePredictor: see `raphe.load_bundle`."""
    kind = bundle_kind(path)
    try:
        predictor = import_module(predictor_module(kind))
    except ModuleNotFoundError as error:
        if sentence := missing_extra(error):
            raise SettingError(f"{path}: {sentence}") from None
        if not (error.name or "").startswith("raphe."):
            raise
        raise BundleError(
            f"{path}: no task of this raphe predicts with a bundle of {kind}"
        ) from None
    return predictor.load(path, threads, content_hash)


def predictor_module(kind: str) -> str:
    """Where the task of a bundle of this kind has its predictor, as `load`."""
    return f"raphe.tasks.{kind.partition('/')[0]}.prediction.predictor"


def json_values(answer: object) -> Any:
    """The same as lists, numbers, texts and None, which stands for NaN.

    >>> json_values({"rate": float("nan"), "classes": ("SER",)})
    {'rate': None, 'classes': ['SER']}
    """
    if isinstance(answer, Mapping):
        return {str(name): json_values(value) for name, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [json_values(value) for value in answer]
    if hasattr(answer, "tolist"):  # NumPy's arrays and numbers
        return json_values(answer.tolist())
    if isinstance(answer, float) and not math.isfinite(answer):
        return None
    return answer


def require_at_most(limit: float, value: float, where: str, what: str) -> None:
    """Refuse what would keep a server busy or fill its memory. Raises RecordingError."""
    if not value <= limit:
        raise RecordingError(
            f"{where}: expected at most {_plain(limit)} {what} in one call, got {_plain(value)}; "
            "give parts, or use `raphe predict`"
        )


def _plain(value: float) -> str:
    return whole(int(value)) if value == int(value) else number(value)
