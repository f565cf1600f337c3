"""Addresses: any path to a SQLite file and back, and no credentials in what is shown."""

import argparse
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from raphe.core.errors import SettingError
from raphe.harness.database.address import (
    address_given,
    address_of,
    address_option,
    as_named,
    sqlite_file,
    without_credentials,
)

UNESCAPED = ("p@", "12/", "p/", "p?", "p#", "[", "]", "%zz", "\\", "\0", "\u044f")
ODD = "a %41 b?c=d#e;f&g='h' \"i\" (j) [k] {l} ~ü\\ n\to\np@q:r"


@pytest.mark.parametrize("name", ["plain", *sorted(set(ODD) - {"/"}), ODD, "%2Fx", "x?uri=true"])
def test_an_address_is_of_the_very_file_whatever_its_folder_is_called(
    tmp_path: Path, name: str
) -> None:
    database = tmp_path / f"x{name}x" / "mlflow.db"
    database.parent.mkdir()
    engine = create_engine(address_of(database))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE here (a)")
    engine.dispose()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [database]
    assert sqlite3.connect(database).execute("SELECT count(*) FROM here").fetchone() == (0,)
    assert sqlite_file(address_of(database)) == database


def test_an_address_may_hold_any_password_that_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "address"
    for address in (
        "http://me:%40%2F%5B%23%25:SECRET!@[::1]:5000/x?page=a@b",
        "postgresql+psycopg://me@/runs",
    ):
        file.write_text(f"\ufeff{address}\r\n", encoding="utf-8")  # as Windows keeps it
        file.chmod(0o600)
        assert address_given(f"@{file}") == address_given(address) == address


def test_what_is_no_sqlite_file_is_told_apart() -> None:
    assert sqlite_file("http://host:5000") is None
    assert sqlite_file("postgresql://host/runs") is None
    assert sqlite_file("sqlite:///here.db") == Path("here.db").absolute()
    for uri in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(SettingError, match="expected the path of a database"):
            sqlite_file(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:SECRET@host:5000",
        "https://SECRET@host/path",
        "http://me:SEC@RET/SECRET@host",
        "postgresql+psycopg2://me:SECRET@host:5432/runs",
        "http://host:5000/?token=SECRET&page=1",
        "http://host/x?a=1;api_key=SECRET",
        "http://:SECRET@host",
    ],
)
def test_nothing_secret_of_an_address_is_shown_and_the_host_is(uri: str) -> None:
    shown = without_credentials(f"error: 'tracking.uri={uri}' (at {uri}), twice")
    assert "SEC" not in shown and "RET" not in shown and shown.count("host") == 2
    assert shown.endswith(", twice")


@pytest.mark.parametrize("text", ["http://me:SECRET@host:5000", "http://host/?token=SECRET"])
def test_a_command_line_is_no_place_for_a_password(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="name that, --uri @FILE") as refused:
        address_option(text)
    assert "SECRET" not in str(refused.value)


def test_a_file_holds_an_address_that_stands_in_no_command(tmp_path: Path) -> None:
    file = tmp_path / "its address"
    file.write_text("http://me:SECRET@mlflow.lab:5000\n")
    file.chmod(0o600)
    assert address_given(f"@{file}") == "http://me:SECRET@mlflow.lab:5000"
    assert address_given("http://mlflow.lab:5000") == "http://mlflow.lab:5000"
    assert as_named("http://me:SECRET@mlflow.lab:5000") == f"@{file}"  # in commands to come
    assert as_named("http://me:OTHER@mlflow.lab:5000") == "http://***@mlflow.lab:5000"


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (None, 0o600, "expected a file with the address"),
        ("http://me:SECRET@host:5000", 0o640, "others may read it; `chmod 600 "),
        ("http://me:SECRET@host:5000\nuser=me", 0o600, "expected one address"),
        ("", 0o600, "expected one address"),
        ("me:SECRET@host:5000", 0o600, "expected one address"),
        *((f"http://me:{odd}SECRET@host:5000", 0o600, "does not take") for odd in UNESCAPED),
    ],
)
def test_a_file_that_is_none_or_open_to_others_is_refused(
    tmp_path: Path, content: str | None, mode: int, told: str
) -> None:
    file = tmp_path / "address"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(SettingError, match=told) as refused:
        address_given(f"@{file}")
    assert "SECRET" not in str(refused.value)
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        address_option(f"@{file}")
