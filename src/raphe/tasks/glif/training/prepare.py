"""From settings to the prior that neurons are drawn from."""

from pathlib import Path
from typing import Annotated, Any

from raphe.core.files.prepared import is_to_be_made, preparing
from raphe.core.ranges import Range, Seed, check_ranges
from raphe.tasks.glif.synthetic.fitted_cells import HeldOut, read_cells, split_by_specimen
from raphe.tasks.glif.synthetic.prior import fit_prior, write_prior
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

Level = Annotated[int, Range(1, 5, noun="a GLIF level")]


def prepare(
    cells: str | Path | None, folder: str | Path, level: Level, held_out: HeldOut, seed: Seed
) -> dict[str, Any]:
    """Fit a prior to the cells that are not held out; without a table take typical neurons.

    Args:
        cells: table of fitted cells, see `synthetic.fitted_cells`.
        folder: where priors are kept.
        level: of the model, 1 to 5.
        held_out: share of the specimens to test on.
        seed: which they are.

    Returns:
        The setting `prior` of the datamodule.

    Raises:
        RapheError: a table that cannot be read, or too few cells in it.
    """
    check_ranges(prepare, locals(), "prepare")
    if cells is None:
        prior = typical_prior(level)
    else:
        prior = fit_prior(split_by_specimen(read_cells(cells, level), 1 - held_out, seed)[0])
    with preparing(folder) as folder:
        file = folder / f"prior-{prior.content_hash[:12]}.json"
        if is_to_be_made(file):
            write_prior(prior, file)
    return {"prior": file}
