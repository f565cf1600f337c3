"""Words of the card: how members were chosen and what that flatters; thresholds and figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from raphe.core.bundles import cards
from raphe.core.sentences import listed
from raphe.tasks.celltype.ensemble.selection import BEST, NAMED_RANGES, ONE_SE

ABBREVIATED = ("ppv", "npv", "mcc", "auroc", "f1")
EPOCHS = "The same cells also chose the epoch of each network, which is not in these numbers."
LEGEND = {  # of the ways that a table of them compares, as far as their names do not tell
    BEST: "best, the kernel size of the lowest loss",
    ONE_SE: "one-se, the smallest kernel size within one standard error of that",
    "top:5": "top:5, the 5 networks of the lowest loss",
    "greedy": "greedy, networks added one by one while the loss of their mean falls",
    "published": "published, kernels 20 to 30 as in the paper",
    "coded": "coded, kernels 20 to 31 as in the paper's code",
}
UNTOUCHED = "The test cells had no part in any of these choices."
SAME_CELLS = (
    "The spikes of the test had no part in any of these choices, but their cells are those that "
    "were trained on and chosen by."
)
NESTED = (
    "For figures that pay for the choice, `raphe train experiment=cross_validation "
    "model.kernel=KERNELS` makes it anew in each fold, by that fold's validation cells, and tests "
    "on cells that had no part in it (nested cross-validation)."
)


def chosen_row(selection: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was chosen, of the ways that are compared."""
    return next(row for row in selection["compared"] if row["way"] == selection["way"])


def selection_text(selection: Mapping[str, Any], trained_here: bool) -> str:
    """Table and sentences as Markdown.

    Args:
        selection: of the manifest, see `export_facts.selection`.
        trained_here: whether the training is known; of networks that came as files it is not.
    """
    way, rows = selection["way"], selection["compared"]
    sets = list(chosen_row(selection)["sets"])
    table = []
    for row in rows:
        if "impossible" not in row:
            mark = "**" if row["way"] == way else ""
            cells = [_right(row["sets"][name]) for name in sets]
            table.append([f"{mark}{row['way']}{mark}", row["members"], *cells])
    head = ["members", "kernels", *(f"{name}: cells right, loss" for name in sets)]
    impossible = [row["way"] for row in rows if "impossible" in row]
    parts = [
        cards.table(head, table),
        _impossible(impossible),
        _how(selection, sets, trained_here),
    ]
    return "\n\n".join(part for part in parts if part)


def _impossible(ways: Sequence[str]) -> str:
    """Ways that networks are wanting for, with what they would take."""
    if not ways:
        return ""
    takes = {
        way: f"kernels {first} to {last} as in the paper{end}"
        for (way, (first, last)), end in zip(NAMED_RANGES.items(), ("", "'s code"), strict=True)
    }
    explained = [
        f"{way} ({takes.get(way) or 'the ' + way.removeprefix('top:') + ' networks of least loss'})"
        for way in ways
    ]
    return f"Not possible here, for want of networks: {listed(explained)}."


def _explained(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the ways that stand in the table."""
    return [LEGEND[row["way"]] for row in rows if row["way"] in LEGEND and "impossible" not in row]


def _how(selection: Mapping[str, Any], sets: Sequence[str], trained_here: bool) -> str:
    way = selection["way"]
    held_out = selection["held_out"]
    sentences = [rule_sentence(way, bool(sets), selection["n_networks"], held_out)]
    if explained := _explained(selection["compared"]):
        sentences.append(f"Ways to choose: {'; '.join(explained)}.")
    if differs := selection["differs"]:
        sentences.append(differs)
    if selection["by_validation"]:
        if optimism := selection["optimism"]:
            sentences.append(optimism["sentence"])
        if trained_here:
            sentences += [*([EPOCHS] if selection["chose_epochs"] else []), NESTED]
    if len(sets) > 1:
        sentences.append(UNTOUCHED if held_out else SAME_CELLS)
    if sets:
        sentences.append(
            "Loss: mean of −ln P(true class) over cells; the table's is before calibration."
        )
    return " ".join(sentences)


def rule_sentence(
    way: str, has_cells: bool = True, n_networks: int | None = None, held_out: bool = True
) -> str:
    """Who or what chose the members, of so many networks, as a sentence."""
    if n_networks == 1:
        return "There was one network, so nothing was chosen."
    by_cells = "The choice, in bold, was made on the validation cells alone"
    if not held_out:
        by_cells = (
            "The choice, in bold, was made on validation spikes of cells that were trained on"
        )
    if way == BEST:
        return f"{by_cells}: the kernel size of the lowest loss over cells."
    if way == ONE_SE:
        return (
            f"{by_cells}: the smallest kernel size whose loss over cells is within one "
            "standard error of the lowest (Breiman et al. 1984)."
        )
    if way == "greedy":
        return (
            f"{by_cells}: networks were added one by one, some more than once, while the loss of "
            "their mean fell (Caruana et al. 2004)."
        )
    if way.startswith("top:"):
        n = int(way.removeprefix("top:"))
        of = "the network" if n == 1 else f"the {n} networks"
        return f"{by_cells}: {of} of the lowest loss over cells."
    no_cells = "" if has_cells else "there were no cells to choose by"
    if way == "all":
        return f"Every network is a member: {no_cells or 'nothing was chosen'}."
    named = {"published": " as published", "coded": " as in the published code"}.get(way, "")
    return f"The kernel sizes were set beforehand{named}: {no_cells or 'no data chose them'}."


def _right(raw: Mapping[str, Any]) -> str:
    return f"{raw['n_right']}/{raw['n_cells']}, {raw['log_loss']:.3f}"


def threshold(cut: Mapping[str, Any]) -> str:
    if cut["mad_factor"] is not None:
        return f"the median by {cut['mad_factor']:g} MAD"
    return f"{cut['threshold_pa']:g} {cut['accept_unit'] or 'pA'}".replace("-", "−")


def with_interval(headline: Mapping[str, Any] | None) -> str:
    """As all cards have it, told where the interval is of these days only."""
    text = cards.with_interval(headline)
    only = headline and headline["interval"].partition(", ")[2]
    return f"{text.removesuffix(')')}, {only})" if only and text.endswith(")") else text


def readable(name: str) -> str:
    words = name.replace("_", " ").split()
    return " ".join(word.upper() if word in ABBREVIATED else word for word in words)
