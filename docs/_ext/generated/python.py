"""The Python face, `raphe.__all__`, and what its predictors answer."""

import raphe

KINDS = {  # of what the face holds, in the order of use
    "Predicting": ("load_bundle",),
    "Recordings": ("Recording", "read_abf", "read_nwb"),
    "Stores": ("open_store", "check_store", "Store"),
}
ERRORS = "Errors"
ANSWERS = {  # a predictor, and what it answers with
    "A predictor of cell types": (
        ("raphe.tasks.celltype.prediction.predictor.CellTypePredictor", ("predict", "predict_all")),
        ("raphe.tasks.celltype.verdicts.verdict.CellVerdict", ()),
    ),
    "A predictor of spike rates": (
        ("raphe.tasks.calcium.prediction.predictor.RatePredictor", ("predict",)),
        ("raphe.tasks.calcium.prediction.predictor.RatePrediction", ("spike_times_s",)),
    ),
    "A predictor of neurons' parameters": (
        ("raphe.tasks.glif.prediction.predictor.PosteriorPredictor", ("predict",)),
        ("raphe.tasks.glif.prediction.predictor.PosteriorPrediction", ()),
        ("raphe.tasks.glif.prediction.posterior.Posterior", ()),
    ),
}


def page() -> str:
    parts = []
    placed = {name for names in KINDS.values() for name in names}
    rest = [name for name in raphe.__all__ if name not in placed and not name.startswith("__")]
    for title, names in {**KINDS, ERRORS: rest}.items():
        parts.append(f"## {title}")
        parts += [_described(f"raphe.{name}", getattr(raphe, name)) for name in names]
    for title, classes in ANSWERS.items():
        parts.append(f"## {title}")
        parts += [_class(dotted, members) for dotted, members in classes]
    return "\n\n".join(parts)


def _described(dotted: str, thing: object) -> str:
    if not isinstance(thing, type):
        return _rst(f".. autofunction:: {dotted}")
    if issubclass(thing, BaseException | Warning):
        return _rst(f".. autoexception:: {dotted}")
    return _rst(f".. autoclass:: {dotted}\n   :members:")


def _class(dotted: str, members: tuple[str, ...]) -> str:
    listed = f"\n   :members: {', '.join(members)}" if members else ""
    return _rst(f".. autoclass:: {dotted}{listed}\n   :no-index-entry:")


def _rst(directive: str) -> str:
    return f"```{{eval-rst}}\n{directive}\n```"
