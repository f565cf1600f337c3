"""The Python face, `raphe.__all__`, and all that its functions and predictors give back.

Of a data class every field is listed; what it means is the comment on its line, or above it.
"""

import ast
import dataclasses
import inspect
import io
import tokenize
from collections.abc import Iterator
from importlib import import_module

import raphe
from generated.markdown import code, plain, table

KINDS = {  # of what the face holds, in the order of use
    "Predicting": ("load_bundle",),
    "Recordings": ("read_abf", "read_nwb", "read_neo", "Recording"),
    "Stores": ("open_store", "check_store", "Store"),
}
ERRORS = "Errors"
OF_ANY = ("manifest", "card", "path", "content_hash")  # predictor
# What comes back, by its heading, with the members that are meant to be used; of a data class
# all fields are, too.
ANSWERS = {
    "Recordings": (("raphe.core.recordings.recording.Trace", ("read", "suspect", "chunks")),),
    "A predictor of cell types": (
        (
            "raphe.tasks.celltype.prediction.predictor.CellTypePredictor",
            ("predict", "predict_all", "figure", "classes", "note", *OF_ANY),
        ),
        (
            "raphe.tasks.celltype.verdicts.verdict.CellVerdict",
            ("called", "leading", "stated", "agreement", "as_json"),
        ),
        ("raphe.tasks.celltype.verdicts.verdict.Vote", ("called",)),
        ("raphe.tasks.celltype.verdicts.verdict.UnreadCell", ()),
        ("raphe.core.figure_style.PaperFigure", ("savefig",)),
    ),
    "A predictor of spike rates": (
        ("raphe.tasks.calcium.prediction.predictor.RatePredictor", ("predict", *OF_ANY)),
        ("raphe.tasks.calcium.prediction.predictor.RatePrediction", ("spike_times_s",)),
        ("raphe.tasks.calcium.prediction.infer_rates.MeanRate", ()),
        ("raphe.tasks.calcium.features.unitary_amplitude.Amplitude", ()),
    ),
    "A predictor of kinds of units": (
        ("raphe.tasks.units.prediction.predictor.UnitPredictor", ("predict", *OF_ANY)),
        ("raphe.tasks.units.prediction.labels.UnitVerdict", ()),
    ),
    "A predictor of neurons' parameters": (
        ("raphe.tasks.glif.prediction.predictor.PosteriorPredictor", ("predict", *OF_ANY)),
        ("raphe.tasks.glif.prediction.predictor.PosteriorPrediction", ()),
        (
            "raphe.tasks.glif.prediction.posterior.Posterior",
            ("parameter_rows", "parameter_values", "neuron_config"),
        ),
    ),
}


def page() -> str:
    parts = []
    placed = {name for names in KINDS.values() for name in names}
    rest = [name for name in raphe.__all__ if name not in placed and not name.startswith("__")]
    for title, names in {**KINDS, ERRORS: rest}.items():
        parts.append(f"## {title}")
        for name in names:
            parts += _of_face(f"raphe.{name}", getattr(raphe, name))
        parts += _answers(title)
    for title in (title for title in ANSWERS if title not in KINDS):
        parts += [f"## {title}", *_answers(title)]
    return "\n\n".join(parts)


def _answers(title: str) -> Iterator[str]:
    for dotted, members in ANSWERS.get(title, ()):
        yield _class(dotted, members)
        yield from _fields_table(named(dotted))


def named(dotted: str) -> type:
    module, _, name = dotted.rpartition(".")
    found: type = getattr(import_module(module), name)
    return found


def _of_face(dotted: str, thing: object) -> Iterator[str]:
    if not isinstance(thing, type):
        yield _rst(f".. autofunction:: {dotted}")
    elif issubclass(thing, BaseException | Warning):
        yield _rst(f".. autoexception:: {dotted}")
    else:
        own = [name for name, _ in fields(thing)]
        yield _rst(f".. autoclass:: {dotted}\n   :members:\n   :exclude-members: {', '.join(own)}")
        yield from _fields_table(thing)


def _class(dotted: str, members: tuple[str, ...]) -> str:
    listed = f"\n   :members: {', '.join(members)}" if members else ""
    return _rst(f".. autoclass:: {dotted}{listed}\n   :no-index-entry:")


def _fields_table(thing: type) -> Iterator[str]:
    rows = [(code(name), code(kind), plain(meaning)) for name, (kind, meaning) in fields(thing)]
    if rows:
        yield table((f"field of {code(thing.__name__)}", "type", "meaning"), rows)


def fields(thing: type) -> Iterator[tuple[str, tuple[str, str]]]:
    """Of a data class, each field's name with its type and what its comment says."""
    if not dataclasses.is_dataclass(thing):
        return
    source = inspect.getsource(thing)
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    last = 0  # line of what stands before
    for node in definition.body:
        own = range(node.end_lineno or 0, (node.end_lineno or 0) + 1)
        above = range(last + 1, node.lineno)
        last = own[0]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines = own if own[0] in comments else above
            meaning = " ".join(comments[line] for line in lines if line in comments)
            yield node.target.id, (ast.unparse(node.annotation), meaning)


def _rst(directive: str) -> str:
    return f"```{{eval-rst}}\n{directive}\n```"
