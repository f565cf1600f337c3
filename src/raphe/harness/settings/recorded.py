"""The settings that a run was made with, as it records them and as they are used again.

Whoever can write to a tracking store can write a run's config.yaml, and Hydra calls whatever a
`_target_` names. So a record gives values and never code: the settings are composed from conf/ here
and now, for the task and the choices that the run names, and the recorded values are laid over
them. What a person's own conf/ and command line name is trusted; nothing else is.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from raphe.core.errors import SettingError
from raphe.harness.settings.admitted import check_value
from raphe.harness.settings.composed import plain, without_hydra
from raphe.harness.settings.configuration import composed_settings, hydras
from raphe.harness.settings.machine_settings import setting_name, with_machine_settings
from raphe.harness.settings.signatures import arguments
from raphe.version import __version__

RECORD, FORMAT = "record", 1  # the section that says what a record is, and which form it has
MOST_BYTES, MOST_DEEP = 2**18, 32  # a record has some kB, in six levels
LONGEST_NAME = 100  # letters of a setting that a sentence shows
READER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SPECIAL = re.compile(r"_\w+_")  # Hydra's own words: _target_, _args_, _partial_, …
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
# Where something is written or kept, and what is replaced or crowned, is never another's to say.
OWN = {
    *("runs_root", "data_root", "tracking.uri", "stage", "resume", "threads", "hydra"),
    *("export.out", "export.overwrite", "export.sweep", "export.champion", "export.checkpoints"),
}
ROOTS = ("${data_root}", "${runs_root}")
CALLED = ("prepare", "data", "export", "report")  # sections whose targets an export calls
# Nothing calls a model's optimizer again, and conf/task offers those of torch in words.
OPTIMIZER, TORCH = re.compile(r"model\.(\w+\.)*_target_"), re.compile(r"torch\.optim\.\w+")
# What networks were trained with; where their stores and their teacher lie now, whose hashes are
# checked, may change.
OF_THE_RUN = re.compile(r"seed|(data|prepare|model|trainer|callbacks|monitor|bank|sweep)\..+")
# How they are made a person may say again, as no record has them made.
STORES = re.compile(r"(data|prepare)\.(\w+_)?stores?(\..+)?|data\.teacher\..+|prepare\..+")
SHOWN = 60  # characters of a value in a sentence


def record(config: DictConfig) -> str:
    """The composed settings as YAML, every value settled, and the choices that they come from."""
    hydra = hydras(config)
    chosen = {} if hydra is None else hydra.runtime.choices  # none in a bank's workers
    choices = {str(group): name for group, name in chosen.items() if not _is_hydras(group)}
    whole = {RECORD: {"format": FORMAT, "choices": choices}}
    values = plain(without_hydra(config), resolve=True)
    values.get("tracking", {}).pop("uri", None)  # whose address may hold a password
    return OmegaConf.to_yaml(whole) + OmegaConf.to_yaml(values)


def _is_hydras(group: str) -> bool:
    return str(group).partition("/")[0] == "hydra"


@dataclass(frozen=True)
class Recorded:
    """What a run records: plain values, none of which stands for another."""

    run: str  # as sentences name it
    choices: Mapping[str, str | None]  # of each group of conf/, as {"task": "calcium"}
    settings: Mapping[str, Any]

    @classmethod
    def read(cls, text: bytes, run: str) -> "Recorded":
        """Raises SettingError for what no run of this raphe can have recorded."""
        where = f"{run}: its config.yaml"
        settings = _plain(text, where)
        about = settings.pop(RECORD, None)
        version = about.get("format") if isinstance(about, dict) else None
        if type(version) is not int or version < 1:
            raise SettingError(
                f"{where} has no format: an earlier raphe wrote it, or something else did; train "
                "that run again with this one"
            )
        if version > FORMAT:
            raise SettingError(
                f"{where} has format {version}, this raphe {__version__} reads format {FORMAT}; "
                "update raphe"
            )
        choices = about.get("choices")
        known = isinstance(choices, dict) and all(
            isinstance(group, str) and isinstance(name, str | None)
            for group, name in choices.items()
        )
        if not known:
            raise SettingError(f"{where} does not say which settings were chosen; train it again")
        return cls(run, choices, settings)

    @property
    def config(self) -> DictConfig:
        """The values as they are, to be compared and shown; never to be called."""
        return OmegaConf.create(dict(self.settings))

    @property
    def code(self) -> dict[str, Any]:
        """What the settings name to be called, and how, by its full name."""
        return dict(_code(self.settings, ""))

    @property
    def task(self) -> str:
        """As conf/task calls it. Raises SettingError where the record does not say."""
        task = self.choices.get("task")
        if task is None:
            raise SettingError(f"{self.run}: its record names no task; train that run again")
        return task

    def handed_on(self) -> DictConfig:
        """The settings as a bundle has them: no place of this machine but its last name."""
        return OmegaConf.create(_without_places(self.settings))

    def over_local(
        self, overrides: Sequence[str] = (), config_dir: Path | None = None
    ) -> DictConfig:
        """The settings of this machine with the values of the run; see `local`."""
        return self.laid_over(*self.local(overrides, config_dir))

    def local(
        self, overrides: Sequence[str] = (), config_dir: Path | None = None
    ) -> tuple[DictConfig, set[str]]:
        """The settings of this machine for the run's choices, and the names that count more.

        Args:
            overrides: settings of the person's own command line, which no record changes.
            config_dir: the person's own settings beside conf/.

        Raises:
            SettingError: where the record names code that the settings here do not, or a value
                that its setting cannot have.
        """
        chosen = {group for group, name in self.choices.items() if name is not None}
        of_machine = with_machine_settings([])
        own = [text for text in overrides if setting_name(text) not in chosen]
        own = [text for text in own if text not in of_machine]
        for text in own:
            name = setting_name(text) or ""
            if OF_THE_RUN.fullmatch(name) and not STORES.fullmatch(name):
                raise SettingError(
                    f"{text}: changes nothing of an export, whose data and networks are those that "
                    f"the run had ({self.run}); leave it out"
                )
        local = composed_settings(own, config_dir, self.choices, self.run)
        names = {name for name in map(setting_name, own) if name is not None}
        return local, names

    def laid_over(self, local: DictConfig, own: Collection[str] = ()) -> DictConfig:
        """As `over_local`, of settings composed already and the names that no record changes."""
        return OmegaConf.create(_Overlay(self, local, own).merged())


class _Overlay:
    def __init__(self, recorded: Recorded, local: DictConfig, own: Collection[str]) -> None:
        self._recorded, self._own = recorded, {*own, *OWN}
        self._raw, self._settled = plain(local), plain(local, resolve=True)

    def merged(self) -> dict[str, Any]:
        return self._section(self._raw, self._settled, self._recorded.settings, "")

    def _section(
        self, raw: Mapping, settled: Mapping, recorded: Mapping, section: str
    ) -> dict[str, Any]:
        """A section of the local settings, `raw` and `settled`, with the recorded values."""
        merged = dict(raw)
        for key, value in recorded.items():
            name = f"{section}.{key}" if section else str(key)
            if name in self._own or self._is_place(raw.get(key)):
                continue
            if isinstance(key, str) and SPECIAL.fullmatch(key):
                self._require_same_code(name, value, settled.get(key))
            elif key not in settled:
                self._check_new(name, value, settled.get("_target_"))
                merged[key] = value
            elif not self._follows(raw[key], value):
                merged[key] = self._value(name, raw[key], settled[key], value, settled)
        return merged

    def _is_place(self, raw: Any) -> bool:
        return isinstance(raw, str) and any(root in raw for root in ROOTS)

    def _follows(self, raw: Any, value: Any) -> bool:
        """Whether a setting took another's value in the run as it does here."""
        reference = REFERENCE.fullmatch(raw) if isinstance(raw, str) else None
        if reference is None:
            return False
        node: Any = self._recorded.settings
        for word in reference[1].split("."):
            if not isinstance(node, Mapping) or word not in node:
                return False
            node = node[word]
        return node == value

    def _value(self, name: str, raw: Any, settled: Any, value: Any, section: Mapping) -> Any:
        if isinstance(settled, Mapping) and isinstance(value, Mapping):
            return self._section(raw if isinstance(raw, Mapping) else settled, settled, value, name)
        if isinstance(settled, Mapping) and "_target_" not in section:
            raise SettingError(
                f"{self._recorded.run}: its record has {name[:LONGEST_NAME]}={_short(value)}, "
                "where settings have a section; train that run again"
            )
        self._require_no_code(name, value, settled)
        if value != settled or type(value) is not type(settled):
            label = f"{self._recorded.run}: its record has {name[:LONGEST_NAME]}={_short(value)}"
            check_value(label, name, value, settled, section.get("_target_"))
        return value

    def _check_new(self, name: str, value: Any, target: Any) -> None:
        """Of a setting that there is not here; one that is called with may have no text, a path."""
        self._require_no_code(name, value, None)
        taken = arguments(target) if isinstance(target, str) else None
        key = name.rpartition(".")[2]
        is_called = target is not None and name.partition(".")[0] in CALLED
        if (taken is not None and key not in taken) or (is_called and _holds_text(value)):
            raise SettingError(
                f"{self._recorded.run}: its record has {name[:LONGEST_NAME]}={_short(value)}, "
                "and the settings here have no such setting; add it to your own conf, or train "
                "again with this raphe"
            )
        if taken is not None:
            label = f"{self._recorded.run}: its record has {name[:LONGEST_NAME]}={_short(value)}"
            check_value(label, name, value, None, target)

    def _require_same_code(self, name: str, value: Any, local: Any) -> None:
        if value == local and type(value) is type(local):
            return
        if OPTIMIZER.fullmatch(name) and isinstance(value, str) and TORCH.fullmatch(value):
            return
        has = "none" if local is None else _short(local)
        raise SettingError(
            f"{self._recorded.run}: its record names code, {name}={_short(value)}, where your own "
            f"settings have {has}; nothing of it is run: if it is yours, name it in your conf "
            "(--config-dir DIR), else leave that run alone"
        )

    def _require_no_code(self, name: str, value: Any, local: Any) -> None:
        """Refuse Hydra's words at any depth of a value but where they stand in the local one."""
        if isinstance(value, Mapping):
            local = local if isinstance(local, Mapping) else {}
            for key, inner in value.items():
                full = f"{name}.{key}"
                if isinstance(key, str) and SPECIAL.fullmatch(key):
                    self._require_same_code(full, inner, local.get(key))
                self._require_no_code(full, inner, local.get(key))
        elif isinstance(value, list):
            local = local if isinstance(local, list) else []
            for index, inner in enumerate(value):
                at = local[index] if index < len(local) else None
                self._require_no_code(f"{name}[{index}]", inner, at)


def _code(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = value.items() if isinstance(value, Mapping) else ()
    for key, entry in enumerate(value) if isinstance(value, list) else inner:
        full = f"{name}.{key}"
        if isinstance(key, str) and SPECIAL.fullmatch(key):
            yield full, entry
        yield from _code(entry, full)


def _without_places(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        inner = {key: (f"{name}.{key}".lstrip("."), entry) for key, entry in value.items()}
        return {
            key: _without_places(entry, full)
            for key, (full, entry) in inner.items()
            if full not in OWN
        }
    if isinstance(value, list):
        return [_without_places(entry, name) for entry in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _plain(text: bytes, where: str) -> dict[str, Any]:
    """What the YAML of a record says, read without a tag, an alias or an interpolation."""
    broken = f"{where} is damaged; train that run again"
    if len(text) > MOST_BYTES:
        raise SettingError(
            f"{where} has more than {MOST_BYTES / 1e3:.0f} kB, where settings have some kB; leave "
            "that run alone, or train it again"
        )
    try:
        _require_simple(text.decode("utf-8"), where)
        settings = OmegaConf.create(text.decode("utf-8"))
        if not isinstance(settings, DictConfig):
            raise SettingError(broken)
        values = plain(settings)
    except (AssertionError, ValueError, yaml.YAMLError, OmegaConfBaseException, RecursionError):
        raise SettingError(broken) from None
    _require_literal(values, "", where)
    return values


def _require_simple(text: str, where: str) -> None:
    """Refuse what raphe never writes, and what makes a short file a large object or code."""
    depth = 0
    for event in yaml.parse(text, Loader=READER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        tag = getattr(event, "tag", None)
        is_alias = isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)
        if is_alias or tag is not None or depth > MOST_DEEP:
            kind = "a tag" if tag is not None else "an alias" if is_alias else "too deep a section"
            raise SettingError(
                f"{where} has {kind} in line {event.start_mark.line + 1}, which raphe never "
                "writes; leave that run alone, or train it again"
            )


def _require_literal(value: Any, name: str, where: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _require_literal(key, f"{name}.{key}".lstrip("."), where)
            _require_literal(inner, f"{name}.{key}".lstrip("."), where)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _require_literal(inner, f"{name}[{index}]", where)
    elif isinstance(value, str) and ("${" in value or value == "???"):
        raise SettingError(
            f"{where} has {name[:LONGEST_NAME]}={_short(value)}, which stands for another value; "
            "a record has values alone: leave that run alone, or train it again"
        )


def _holds_text(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_text, value.values()))
    return any(map(_holds_text, value)) if isinstance(value, list) else isinstance(value, str)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
