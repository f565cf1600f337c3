"""What a person says of cells by hand: kept beside a watched folder's recordings, or downloaded."""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from raphe.core.bundles.fields import Field, read_fields, shown
from raphe.core.bundles.opened_file import HandLabel
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.files.atomic import write_file
from raphe.core.sentences import listed
from raphe.serve.bodies import JSON, SHORT_BYTES, Receiver, as_json, parse_json
from raphe.serve.files.held import HeldFiles
from raphe.serve.files.live import Live
from raphe.serve.files.routes import CSV, attachment
from raphe.serve.refusal import Refusal, refusing
from raphe.serve.work import Work

TABLE = "cells.csv"  # beside the recordings, as `raphe extract` reads it
MOST_LABELS = 10_000
LABEL_FIELDS = (
    Field("id", "text", "of the file", needed=True),
    Field("label", "text", "what the cell is; nothing takes a label back"),
    Field("note", "text", "what else is to be remembered"),
)


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
        self._writing = threading.Lock()  # each reads what the one before has written
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/labels", self.save, methods=["PUT"])
        self.router.add_api_route("/labels.csv", self.download, methods=["POST"])

    async def save(self, request: Request) -> Response:
        live = self._live
        if live is None:
            raise Refusal(
                409,
                "no folder is watched, beside whose recordings labels could be written; "
                "download them",
            )
        given = [
            (self._files.get(file_id), label, note)
            for file_id, label, note in await self._labels(request)
        ]
        labels = []
        for held, label, note in given:
            file = live.path_of(held)
            if file is None:
                raise Refusal(
                    409, f"{shown(held.name)}: is not of the watched folder; download its label"
                )
            labels.append(HandLabel(file, label, note))
        with self._work.admitted():
            await self._work.answer(partial(self._write, live, labels))
        for held, label, note in given:
            live.labelled(held, label, note)
        return Response(as_json({"saved": TABLE}), media_type=JSON)

    async def download(self, request: Request) -> Response:
        ids_of: dict[str, set[str]] = {}
        labels = []
        for file_id, label, note in await self._labels(request):
            name = self._files.name_of(file_id)
            ids_of.setdefault(name, set()).add(file_id)
            labels.append(HandLabel(name, label, note))
        for name, ids in ids_of.items():
            if len(ids) > 1:
                raise Refusal(
                    409,
                    f"{shown(name)}: {len(ids)} files with a label have this name, and {TABLE} "
                    "would not tell them apart; rename them, or take the labels of all but one "
                    "back",
                )
        with self._work.admitted():
            text = await self._work.answer(partial(self._text, labels))
        return attachment(text.encode(), TABLE, CSV)

    async def _labels(self, request: Request) -> list[tuple[str, str, str]]:
        """Id of the file, label and note of each. Raises Refusal or RapheError."""
        values = parse_json(await self._receiver.json(request, SHORT_BYTES))
        labels = values.get("labels")
        if set(values) != {"labels"} or not isinstance(labels, list) or not labels:
            raise Refusal(422, "labels: expected a list of id, label and note")
        if len(labels) > MOST_LABELS:
            raise Refusal(413, f"labels: expected at most {MOST_LABELS}")
        return [self._label(label) for label in labels]

    def _label(self, values: object) -> tuple[str, str, str]:
        if not isinstance(values, Mapping):
            raise Refusal(422, "labels: expected a list of id, label and note")
        said = {name: value for name, value in values.items() if value != ""}
        given: dict[str, Any] = {"label": "", "note": "", **read_fields(said, LABEL_FIELDS)}
        if "label" not in values or given["label"] not in ("", *self._predictor.labels):
            expected = listed(self._predictor.labels, "or") if self._predictor.labels else "none"
            raise Refusal(422, f"label: expected {expected}")
        return given["id"], given["label"], given["note"]

    def _text(self, labels: list[HandLabel]) -> str:
        with refusing(self._predictor):
            return self._predictor.labels_csv(labels)

    def _write(self, live: Live, labels: list[HandLabel]) -> None:
        path = live.folder / TABLE
        with self._writing, refusing(self._predictor, live.folder):
            existing = path if path.exists() else None
            write_file(path, self._predictor.labels_csv(labels, existing))
