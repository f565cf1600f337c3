"""What an audit of spikes calls what it asks of."""

from raphe.core.audit.words import Shuffle, Words
from raphe.tasks.celltype.stores.split import SPLITS

SPIKES, NOISE, SHUFFLED = "spikes", "noise", "shuffled labels"  # what is trained on

WORDS = Words(
    item="cell",
    splits=SPLITS,
    whole=SPIKES,
    control=NOISE,
    control_named="noise without a spike",
    alone="noise alone",
    alone_told="noise alone, without a spike,",
    differ="the recordings of the classes differ in more than their spikes (rig, filter, day)",
    shuffles={
        SHUFFLED: Shuffle(
            named="spikes whose cells' classes were shuffled",
            in_label="shuffled",
            yes="labels shuffled over cells are still learnt when spikes are split ({stated}): the "
            "network recognises single cells, and data.split=spike tests it on cells that it has "
            "seen; use data.split=cell or a coarser one",
            no="labels shuffled over cells are not learnt when spikes are split ({stated}): the "
            "network does not recognise single cells",
            open="whether the network recognises single cells when spikes are split {cannot} "
            "(labels shuffled over cells: {stated})",
        )
    },
    new={
        "cell": "new cells",
        "day": "cells of new days",
        "animal": "cells of new animals",
        "source": "cells of a new source",
    },
    held_out={
        "spike": "other spikes of the same cells",
        "cell": "other cells",
        "day": "other days",
        "animal": "other animals",
        "source": "other sources",
    },
    together="day or animal",
    shown=(("spikes", "accuracy"), ("cells", "balanced_accuracy"), ("cells", "auroc")),
    within="spike",
    named={"source": "source (laboratory or rig)"},
)
