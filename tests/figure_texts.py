"""That no text of a figure lies upon another or beyond its edge."""

import itertools
from unittest import mock

from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK_PX = 1.5


def drawn_texts(figure: Figure) -> list[Text]:
    """Those that drawing it reaches: not the ticks beyond an axis' ends."""
    texts = []
    with mock.patch.object(Text, "draw", lambda text, renderer: texts.append(text)):
        figure.draw_without_rendering()
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def assert_texts_apart(figure: Figure) -> None:
    """Compare the boxes of all texts; a slanted one is left out, as its box is far larger."""
    edge = figure.bbox
    boxes = []
    for text in drawn_texts(figure):
        if text.get_rotation() % 90 == 0:
            boxes.append((text.get_text(), text.get_window_extent().padded(-SLACK_PX)))
    for name, box in boxes:
        inside = edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 and box.y1 <= edge.y1
        assert inside, f"{name!r} is beyond the figure's edge"
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        assert not first.overlaps(second), f"{one!r} lies upon {other!r}"
