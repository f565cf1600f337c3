"""What is refused: a status of HTTP and one sentence, which tells nothing of this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from raphe.core.bundles.fields import shown
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RapheError


class Refusal(Exception):
    """A request that gets no answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@contextmanager
def refusing(
    predictor: BundlePredictor,
    folder: Path | None = None,
    names: Mapping[str, str] | None = None,
    on_page: bool = False,
) -> Iterator[None]:
    """Turn what a task says of a file into a Refusal, without folders of this machine.

    `names` are senders' for ours, as sentences may name a file in `folder`; `on_page` are those
    that a person reads who sees labels of fields, not their names.
    """
    try:
        yield
    except RapheError as error:
        sentence = predictor.sentence(error, folder, on_page)
        for own, sent in (names or {}).items():
            sentence = sentence.replace(own, shown(sent))
        raise Refusal(422, sentence) from None
    except MemoryError:
        raise Refusal(413, "this needs more memory than the server has; send less") from None
