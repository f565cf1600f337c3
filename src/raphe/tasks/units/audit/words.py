"""What an audit of units calls what it asks of."""

from raphe.core.audit.words import Shuffle, Words

UNITS, TRAITS, SHUFFLED = "units", "traits of the recording", "labels shuffled over units"
SPLITS = ("unit", "session", "animal")  # finest first


def dealt_to(noun: str) -> str:
    """What is trained on where whole animals or sessions have a label that was dealt to them."""
    return f"labels dealt to {noun}s"


def _dealt(noun: str, remedy: str) -> Shuffle:
    return Shuffle(
        named=f"units, labels dealt to whole {noun}s",
        in_label=dealt_to(noun),
        yes=f"labels dealt out to whole {noun}s at random are learnt when units are split "
        f"({{stated}}): the network recognises {noun}s by their units, and data.split=unit tests "
        f"it on {noun}s that it has seen; use {remedy}",
        no=f"labels dealt out to whole {noun}s at random are not learnt when units are split "
        f"({{stated}}): the network does not recognise {noun}s",
        open=f"whether the network recognises {noun}s when units are split {{cannot}} (labels "
        f"dealt out to whole {noun}s: {{stated}})",
    )


WORDS = Words(
    item="unit",
    splits=SPLITS,
    whole=UNITS,
    control=TRAITS,
    control_named="traits of the recording alone",
    alone="what tells of the recording",
    alone_told="what tells of the recording, not of the cell (amplitude, place of the trough, "
    "unrest before the spike, what is missing),",
    differ="the units of the classes were recorded or cut otherwise, or differ in size",
    shuffles={
        SHUFFLED: Shuffle(
            named="units whose labels were shuffled",
            in_label="labels shuffled",
            yes="labels shuffled over units are learnt ({stated}), which cannot be: look for units "
            "that are there twice before you believe any figure",
            no="labels shuffled over units are not learnt ({stated}), as it must be",
            open="whether labels shuffled over units are learnt {cannot} ({stated})",
        ),
        dealt_to("animal"): _dealt("animal", "data.split=animal"),
        dealt_to("session"): _dealt("session", "data.split=session or animal"),
    },
    new={
        "unit": "new units",
        "session": "units of new sessions",
        "animal": "units of new animals",
    },
    held_out={"unit": "other units", "session": "other sessions", "animal": "other animals"},
    together="animal or session",
    shown=(("cells", "balanced_accuracy"), ("cells", "auroc")),
)
