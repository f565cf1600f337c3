"""What a person says of cells by hand: kept beside a watched folder's recordings, or downloaded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from raphe.core.bundles.fields import shown
from raphe.core.bundles.opened_file import HandLabel
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.sentences import listed
from raphe.serve.bodies import JSON, SHORT_BYTES, Receiver, as_json, parse_json
from raphe.serve.files.folder_labels import TABLE
from raphe.serve.files.held import HeldFiles
from raphe.serve.files.live import Live
from raphe.serve.files.routes import CSV, attachment
from raphe.serve.limits import LONGEST_NOTE
from raphe.serve.refusal import Refusal, refusing
from raphe.serve.work import Work

MOST_LABELS = 10_000
EXPECTED = "labels: expected a list of id, item of a file with several, and label, note or both"
NO_FOLDER = "no folder is watched, beside whose recordings labels could be written; download them"


@dataclass(frozen=True)
class Said:
    """Of a file by its id, or of one of its several items; None where nothing is said."""

    id: str
    label: str | None
    note: str | None
    item: str | None

    def refused(self, sentence: str) -> dict[str, str | None]:
        return {"id": self.id, "item": self.item, "error": sentence}


class LabelRoutes:
    """PUT /labels and POST /labels.csv."""

    def __init__(
        self,
        predictor: BundlePredictor,
        files: HeldFiles,
        work: Work,
        receiver: Receiver,
        live: Live | None,
    ) -> None:
        self._predictor, self._files, self._work = predictor, files, work
        self._receiver, self._live = receiver, live
        self._writing = asyncio.Lock()  # in the order in which requests came: the last one stays
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/labels", self.save, methods=["PUT"])
        self.router.add_api_route("/labels.csv", self.download, methods=["POST"])

    async def save(self, request: Request) -> Response:
        """Those that cannot be taken keep no other from being written."""
        live = self._live
        if live is None:
            raise Refusal(409, NO_FOLDER)
        taken, labels, refused = [], [], []
        for said in await self._labels(request):
            try:
                labels.append(self._label_in(live, said))
                taken.append(said)
            except Refusal as refusal:
                refused.append(said.refused(refusal.sentence))
        sentences = []
        if labels:
            async with self._writing:
                with self._work.admitted():
                    sentences = await self._work.answer(partial(live.labels.write, labels))
                live.tell_labels()
        for said, sentence in zip(taken, sentences, strict=True):
            if sentence:
                refused.append(said.refused(sentence))
        saved = None if all(sentences) else TABLE
        return Response(as_json({"saved": saved, "refused": refused}), media_type=JSON)

    async def download(self, request: Request) -> Response:
        ids_of: dict[str, set[str]] = {}
        labels = []
        for said in await self._labels(request):
            name, part = self._files.name_of(said.id)
            ids_of.setdefault(name, set()).add(said.id)
            labels.append(self._checked(name, said, part if said.item is None else said.item))
        for name, ids in ids_of.items():
            if len(ids) > 1:
                raise Refusal(
                    409,
                    f"{shown(name)}: {len(ids)} files with a label have this name, and {TABLE} "
                    "would not tell them apart; rename them, or take the labels of all but one "
                    "back",
                )
        with self._work.admitted():
            contents = await self._work.answer(partial(self._contents, labels))
        return attachment(contents, TABLE, CSV)

    async def _labels(self, request: Request) -> list[Said]:
        """Raises Refusal where they are no labels at all."""
        values = parse_json(await self._receiver.json(request, SHORT_BYTES))
        labels = values.get("labels")
        if set(values) != {"labels"} or not isinstance(labels, list) or not labels:
            raise Refusal(422, EXPECTED)
        if len(labels) > MOST_LABELS:
            raise Refusal(413, f"labels: expected at most {MOST_LABELS}")
        return list(map(_said, labels))

    def _label_in(self, live: Live, said: Said) -> HandLabel:
        """Raises Refusal for what cannot be written beside the recordings."""
        held = self._files.get(said.id)
        file = live.path_of(held)
        if file is None:
            raise Refusal(
                409, f"{shown(held.name)}: is not of the watched folder; download its label"
            )
        named = dict(held.labelled)
        if held.items and said.item not in named:
            many = f"one of its {len(held.items)}" if len(held.items) > 1 else "none"
            raise Refusal(422, f"{shown(file)}: item: expected {many}")
        return self._checked(file, said, named.get(said.item, said.item))

    def _checked(self, file: str, said: Said, item: str | None) -> HandLabel:
        """Raises Refusal."""
        known = self._predictor.labels
        if said.label not in (None, "", *known):
            expected = listed(known, "or") if known else "none"
            raise Refusal(422, f"{shown(file)}: label: expected {expected}")
        if said.note is not None and len(said.note) > LONGEST_NOTE:
            raise Refusal(
                422,
                f"{shown(file)}: note: expected at most {LONGEST_NOTE} characters, got "
                f"{len(said.note)}",
            )
        return HandLabel(file, said.label, said.note, item)

    def _contents(self, labels: list[HandLabel]) -> bytes:
        with refusing(self._predictor):
            table = self._predictor.label_table()
            for label in labels:
                table.say(label)
            return table.contents


def _said(values: object) -> Said:
    if not isinstance(values, Mapping) or not set(values) <= {"id", "item", "label", "note"}:
        raise Refusal(422, EXPECTED)
    names = ("id", "label", "note", "item")
    given = [value for value in map(values.get, names) if value is not None]
    said = Said(values.get("id", ""), *map(values.get, names[1:]))
    is_said = said.label is not None or said.note is not None
    if not (said.id and is_said and all(isinstance(value, str) for value in given)):
        raise Refusal(422, EXPECTED)
    return said
