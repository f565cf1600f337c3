"""The application: what can be asked of a served bundle, and what comes back.

Answers are JSON; one that is refused is `{"error": …}`, one sentence. How a request is let in says
guard.py, how its body comes in bodies.py, how many are answered at once work.py, what the page has
open files/held.py.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.exceptions import HTTPException

from raphe.core.bundles.fields import from_text
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RapheError
from raphe.core.files.scratch import sweep_scratch
from raphe.serve.bodies import (
    JSON,
    SHORT_BYTES,
    Receiver,
    as_json,
    file_name,
    parse_json,
    suffix_of,
)
from raphe.serve.explained import explained_pages
from raphe.serve.files.held import HeldFiles
from raphe.serve.files.labels import LabelRoutes
from raphe.serve.files.live import Live
from raphe.serve.files.opening import Sent, opened_paths
from raphe.serve.files.routes import FileRoutes
from raphe.serve.guard import Guard
from raphe.serve.limits import Limits
from raphe.serve.overview import OVERVIEW_POLICY, overview
from raphe.serve.page_files import (
    CONTENT_SECURITY_POLICY,
    facts_of,
    page,
    static_files,
    templates,
)
from raphe.serve.refusal import Refusal, refusing
from raphe.serve.schema import OpenApi
from raphe.serve.work import Places, Work
from raphe.version import __version__

CSP = "Content-Security-Policy"
TIDY_S = 60.0
BUG = "this request met a defect of raphe, which its terminal shows; please report it"


def application(
    predictor: BundlePredictor,
    limits: Limits,
    names: Iterable[str] = (),
    token: str | None = None,
    live: Live | None = None,
) -> Guard:
    """What answers with an opened bundle, as ASGI has it.

    Args:
        predictor: the bundle.
        limits: how much may be asked and held.
        names: further ones of the host.
        token: without which nobody is let in.
        live: the folder that is watched.
    """
    receiver = Receiver(limits, Places(limits.receiving))
    opening, asking = Work(limits), Work(limits)
    files = HeldFiles(limits, asking)
    schema, static = OpenApi(predictor), static_files()
    explained = explained_pages(templates())
    facts = facts_of(predictor, limits, None if live is None else live.folder)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sweep_scratch()  # of servers that were killed, whose files are nobody's to read
        tidying = asyncio.create_task(_tidy(files))
        if live is not None:
            live.start(files)
        yield
        tidying.cancel()
        if live is not None:
            live.close()
        opening.close()
        asking.close()
        files.close()

    app = FastAPI(
        title=f"raphe: {predictor.manifest['kind']}",
        version=__version__,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    changed = (lambda held, view: None) if live is None else live.changed
    app.include_router(FileRoutes(predictor, limits, files, opening, receiver, changed).router)
    app.include_router(LabelRoutes(predictor, files, asking, receiver, live).router)

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        html = page({name: facts[name] for name in ("title", "note")})
        return HTMLResponse(html, headers={CSP: CONTENT_SECURITY_POLICY})

    @app.head("/static/{name:path}", include_in_schema=False)
    @app.get("/static/{name:path}", include_in_schema=False)
    async def load(name: str) -> Response:
        if name not in static:
            raise HTTPException(404)
        media_type, contents = static[name]
        return Response(contents, media_type=media_type)

    @app.get("/explained/{name}", include_in_schema=False)
    async def explain(name: str) -> HTMLResponse:
        if name not in explained:
            raise HTTPException(404)
        return HTMLResponse(explained[name], headers={CSP: CONTENT_SECURITY_POLICY})

    @app.head("/page.json", include_in_schema=False)
    @app.get("/page.json", include_in_schema=False)
    async def page_facts() -> Response:
        return Response(as_json(facts), media_type=JSON)

    @app.get("/live", include_in_schema=False)
    async def listen() -> Response:
        if live is None:
            raise Refusal(404, "no folder is watched; start `raphe serve --folder FOLDER`")
        return StreamingResponse(live.listen(), media_type="text/event-stream")

    @app.get("/api", include_in_schema=False)
    async def api(request: Request) -> HTMLResponse:
        html = overview(app.openapi(), predictor, str(request.base_url), token is not None)
        return HTMLResponse(html, headers={CSP: OVERVIEW_POLICY})

    @app.head("/health", include_in_schema=False)
    @app.get("/health", **schema.health)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/bundle", **schema.bundle)
    async def bundle() -> dict[str, Any]:
        return schema.facts(limits)

    @app.head("/card", include_in_schema=False)
    @app.get("/card", **schema.card, response_class=PlainTextResponse)
    async def card() -> PlainTextResponse:
        return PlainTextResponse(predictor.card, media_type="text/markdown")

    @app.post("/predict", **schema.predict)
    async def predict(request: Request) -> Response:
        opening.require_place()
        body = await receiver.json(request)
        with opening.admitted(is_here=len(body) > SHORT_BYTES):
            answer = await opening.answer(partial(_of_json, predictor, body))
        return Response(answer, media_type=JSON)

    @app.post("/predict/file", **schema.predict_file)
    async def predict_file(request: Request) -> Response:
        texts = dict(request.query_params)
        name = texts.pop("name", "")
        suffix, name = suffix_of(name, predictor.SUFFIXES), file_name(name)
        opening.require_place()
        sent = Sent(files.new_folder(), name, from_text(texts, predictor.FILE_FIELDS))
        try:
            await receiver.file(request, sent.place("", "recording", suffix, name))
        except BaseException:
            sent.remove()
            raise
        of_file = partial(_of_file, predictor, sent, limits.file_bytes)
        with opening.admitted(is_here=True):
            answer = await opening.answer(of_file, sent.remove)
        return Response(answer, media_type=JSON)

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> JSONResponse:
        return JSONResponse({"error": refusal.sentence}, refusal.status)

    @app.exception_handler(RapheError)
    async def not_taken(request: Request, error: RapheError) -> JSONResponse:
        return JSONResponse({"error": predictor.sentence(error)}, 422)

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> JSONResponse:
        sentence = f"{error.detail}; /api lists what can be asked".casefold()
        return JSONResponse({"error": sentence}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def met_a_defect(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": BUG}, 500)

    return Guard(app, names, token, end=lambda: None if live is None else live.end())


async def _tidy(files: HeldFiles) -> None:
    while True:
        await asyncio.sleep(TIDY_S)
        files.give_way()


def _of_json(predictor: BundlePredictor, body: bytes) -> bytes:
    values = parse_json(body)
    with refusing(predictor):
        return as_json(predictor.answer(values))


def _of_file(predictor: BundlePredictor, sent: Sent, at_most: int) -> bytes:
    with opened_paths(predictor, sent, at_most) as paths:
        return as_json(predictor.answer_file(paths[""], sent.values))
