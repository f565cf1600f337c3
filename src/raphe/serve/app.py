"""The application: what can be asked of a served bundle, and what comes back.

Answers are JSON; one that is refused is `{"error": …}`, one sentence. How a request is let in says
guard.py, how its body comes in bodies.py, how many are answered at once work.py.
"""

import gc
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from raphe.core.bundles.fields import from_text
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RapheError
from raphe.core.files.scratch import Scratch
from raphe.core.nwb.self_contained import SUFFIXES as NWB_SUFFIXES
from raphe.core.nwb.self_contained import require_self_contained
from raphe.serve.bodies import JSON, Receiver, file_shown, parse_json, suffix_of
from raphe.serve.guard import Guard
from raphe.serve.limits import Limits
from raphe.serve.page import overview
from raphe.serve.refusal import Refusal
from raphe.serve.schema import OpenApi
from raphe.serve.work import Work
from raphe.version import __version__

BUG = "this request met a defect of raphe, which its terminal shows; please report it"


def application(
    predictor: BundlePredictor, limits: Limits, names: Iterable[str] = ()
) -> Callable[..., Any]:
    """What answers with an opened bundle, as ASGI has it; `names` are further ones of the host."""
    work, receiver = Work(limits), Receiver(limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        work.close()

    app = FastAPI(
        title=f"raphe: {predictor.manifest['kind']}",
        version=__version__,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    schema = OpenApi(predictor)

    @app.get("/", **schema.page, response_class=HTMLResponse)
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(overview(app.openapi(), predictor, str(request.base_url)))

    @app.head("/health", include_in_schema=False)
    @app.get("/health", **schema.health)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/bundle", **schema.bundle)
    async def bundle() -> dict[str, Any]:
        return schema.facts(limits)

    @app.get("/card", **schema.card, response_class=PlainTextResponse)
    async def card() -> PlainTextResponse:
        return PlainTextResponse(predictor.card, media_type="text/markdown")

    @app.post("/predict", **schema.predict)
    async def predict(request: Request) -> Response:
        with work.admitted():
            body = await receiver.json(request)
            answer = await work.answer(partial(_of_json, predictor, body), lambda: None)
        return Response(answer, media_type=JSON)

    @app.post("/predict/file", **schema.predict_file)
    async def predict_file(request: Request) -> Response:
        texts = dict(request.query_params)
        name = texts.pop("name", "")
        suffix = suffix_of(name, predictor.SUFFIXES)
        with work.admitted():
            scratch = Scratch()
            path = scratch.folder / f"recording{suffix}"
            try:
                await receiver.file(request, path)
            except BaseException:
                scratch.remove()
                raise
            of_file = partial(_of_file, predictor, path, name, texts, limits)
            answer = await work.answer(of_file, scratch.remove)
        return Response(answer, media_type=JSON)

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> JSONResponse:
        return JSONResponse({"error": refusal.sentence}, refusal.status)

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> JSONResponse:
        sentence = f"{error.detail}; / lists what can be asked".casefold()
        return JSONResponse({"error": sentence}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def met_a_defect(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": BUG}, 500)

    return Guard(app, names)


def _of_json(predictor: BundlePredictor, body: bytes) -> bytes:
    values = parse_json(body)
    try:
        return _as_bytes(predictor.answer(values))
    except RapheError as error:
        raise Refusal(422, predictor.sentence(error)) from None
    except MemoryError:
        raise Refusal(413, "this needs more memory than the server has; send less") from None


def _of_file(
    predictor: BundlePredictor, path: Path, name: str, texts: Mapping[str, str], limits: Limits
) -> bytes:
    """The answer to the file in `path`, of which its sender speaks as `name`."""
    try:
        if path.suffix in NWB_SUFFIXES:
            require_self_contained(path, limits.file_bytes)
        values = from_text(texts, predictor.FILE_FIELDS)
        return _as_bytes(predictor.answer_file(path, values))
    except RapheError as error:
        sentence = predictor.sentence(error, path.parent)
        raise Refusal(422, sentence.replace(path.name, file_shown(name))) from None
    except MemoryError:
        raise Refusal(413, "this needs more memory than the server has; send less") from None
    finally:
        if path.suffix in NWB_SUFFIXES:
            gc.collect()  # what pynwb opened is held in circles, and open as long


def _as_bytes(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
