"""What MLflow's page says of a run in words: its description, in Markdown."""

import math
from collections.abc import Mapping, Sequence

from raphe.core.command_line import printed_command
from raphe.core.protocol import Exported, UsedStore
from raphe.core.sentences import counted, listed
from raphe.harness.records.parameters import values_text
from raphe.harness.records.tracked_run import TrackedRun
from raphe.harness.tracking import DESCRIPTION_TAG


def stores_text(stores: Sequence[UsedStore]) -> str:
    """What a run reads: "the store `spikes` (60 cells (30 SER, 30 NSER), 4321 spikes)"; "" of a
    task without stores."""
    told = [f"the store `{_name(store)}` ({store.contents})" for store in stores]
    return listed(told) if told else ""


def _name(store: UsedStore) -> str:
    return store.source.stem if store.source.is_file() else store.source.name


def describe_run(contents: str, note: str, overrides: Sequence[str]) -> str:
    """Of one network, before it is trained; `overrides` are those of the command line."""
    return _paragraphs(
        f"One network, trained and tested on {contents}." if contents else "One network.",
        f"`{printed_command('raphe', 'train', *overrides)}`",
        note and f"> {note}",
    )


def describe_sweep(
    title: str,
    parameters: Mapping[str, Sequence[str]],
    contents: str = "",
    note: str = "",
    results: Sequence[str] = (),
    n_members: int | None = None,
) -> str:
    """Of a sweep; what it reads and came to are known once its members are trained.

    `n_members` is how many it has, which are not all combinations where it found them itself.
    """
    varied = " and ".join(
        f"{counted('value', len(values))} of `{name}` ({values_text(values)})"
        for name, values in parameters.items()
    )
    n_runs = math.prod(map(len, parameters.values()))
    each = "a run for each" if len(parameters) < 2 else f"a run for each of {n_runs} combinations"
    if n_members is not None and n_members != n_runs:
        each = f"{n_members} of their {n_runs} combinations"
    return _paragraphs(
        *results,
        f"{title[0].upper()}{title[1:]} over {varied}, {each}."
        if varied
        else f"{title[0].upper()}{title[1:]} of a single run.",
        contents and f"Trained and tested on {contents}.",
        note and f"> {note}",
    )


def describe_export(title: str, exported: Exported) -> str:
    """Of a bundle that is registered; what it came to as the terminal has it."""
    return _paragraphs(
        f"{title[0].upper()}{title[1:]}, in the folder `{exported.bundle}`.",
        f"```\n{exported.summary.strip()}\n```",
    )


def conclude(run: TrackedRun, result: str) -> None:
    """Put what a run came to before its description."""
    if result:
        run.set_tags({DESCRIPTION_TAG: _paragraphs(result, run.tag(DESCRIPTION_TAG))})


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())
