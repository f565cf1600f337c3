"""Who is let in where others reach this machine: whoever shows the token."""

import json
import re
from collections.abc import Iterator

import pytest

from http_caller import JSON, Caller, answering
from raphe.serve.limits import Limits
from serve.toy_predictor import Toy

TOKEN = "a-token_of.22~letters0"


@pytest.fixture(scope="module")
def caller(toy: Toy) -> Iterator[Caller]:
    with answering(toy, Limits(), token=TOKEN) as caller:
        yield caller


@pytest.fixture(scope="module")
def cookie(caller: Caller) -> str:
    """Which the printed link gives a browser."""
    answer = caller.get(f"/?token={TOKEN}")
    assert answer.status == 200 and TOKEN not in answer.body.decode()
    assert 'http-equiv="refresh" content="0; url=/"' in answer.body.decode()
    cookie, *facts = answer.headers["set-cookie"].split("; ")
    assert set(facts) == {"HttpOnly", "SameSite=Strict", "Path=/"}
    return cookie


@pytest.mark.parametrize(
    "path",
    ["/", "/page.json", "/api", "/bundle", "/card", "/openapi.json", "/static/app.js", "/live",
     "/files/x", "/table.csv?ids=x", "/none", "/?token=", "/?token=x", f"/?token={TOKEN}x",
     f"/?token=x&token={TOKEN}", f"/api?token={TOKEN}", "/?%ff", "/?token=%ff", "//", "/health/x"],
)  # fmt: skip
def test_without_the_token_nothing_is_told(caller: Caller, path: str) -> None:
    answer = caller.get(path)
    assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert answer.sentence.startswith("Authorization: expected the token of this server")
    assert "set-cookie" not in answer.headers


def test_nothing_is_taken_in_without_the_token(caller: Caller) -> None:
    asked = [
        ("POST", "/files?name=a.txt", b"1 9"),
        ("POST", "/predict", b"{}"),
        ("POST", "/predict/file?name=a.txt", b"1"),
        ("PUT", "/labels", b"{}"),
        ("POST", f"/?token={TOKEN}", b""),
        ("DELETE", "/files/x", None),
    ]
    for method, path, body in asked:
        assert caller.ask(method, path, body, {}).status == 401
    assert caller.get("/health").json == {"status": "ok"}


def test_the_links_cookie_lets_a_browser_in(caller: Caller, cookie: str) -> None:
    for text in (cookie, f"other=1; {cookie}", f'odd="x;=; {cookie}; last', f"a;{cookie};b"):
        assert caller.get("/page.json", {"Cookie": text}).status == 200
    name, _, value = cookie.partition("=")
    for text in (name, f"{name}=", f"{name}=x", f"{name}={value}x", f"x{cookie}", f"token={value}"):
        assert caller.get("/page.json", {"Cookie": text}).status == 401


def test_a_program_shows_it_in_a_header(caller: Caller) -> None:
    for text in (f"Bearer {TOKEN}", f"bearer  {TOKEN}"):
        assert caller.get("/bundle", {"Authorization": text}).status == 200
    for text in ("Bearer", "Bearer ", "Bearer x", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "é"):
        assert caller.get("/bundle", {"Authorization": text}).status == 401


def test_a_cookie_does_not_let_another_site_ask(caller: Caller, cookie: str) -> None:
    headers = {"Cookie": cookie, **JSON, "Origin": "https://attacker.example"}
    answer = caller.ask("PUT", "/labels", json.dumps({}).encode(), headers)
    assert answer.status == 403 and "another site" in answer.sentence
    rebound = caller.get("/page.json", {"Cookie": cookie, "Host": "attacker.example"})
    assert rebound.status == 421


def test_two_servers_of_one_host_have_cookies_of_two_names(toy: Toy, cookie: str) -> None:
    with answering(toy, Limits(), token="another-token-of-22-letters") as other:
        told = other.get("/?token=another-token-of-22-letters").headers["set-cookie"]
        assert told.partition("=")[0] != cookie.partition("=")[0]
        both = f"{cookie}; {told.partition(';')[0]}"
        assert other.get("/page.json", {"Cookie": both}).status == 200
        assert re.fullmatch(r"raphe-[0-9a-f]{12}", told.partition("=")[0])


def test_where_no_token_is_asked_for_none_is_taken(page: Caller) -> None:
    answer = page.get("/?token=x")
    assert answer.status == 200 and "set-cookie" not in answer.headers


def test_a_page_can_be_asked_for_its_head_alone(page: Caller) -> None:
    for path in ("/", "/static/app.js", "/page.json", "/card", "/health"):
        answer = page.ask("HEAD", path, None, {})
        assert answer.status == 200 and answer.body == b""


def test_the_line_to_try_has_a_place_for_the_token(caller: Caller, page: Caller) -> None:
    given = caller.get("/api", {"Authorization": f"Bearer {TOKEN}"})
    assert "Authorization: Bearer …" in given.body.decode() and TOKEN not in given.body.decode()
    assert "Bearer" not in page.get("/api").body.decode()
