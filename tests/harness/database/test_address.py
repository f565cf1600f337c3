"""Addresses: any path to a SQLite file and back, and no credentials in what is shown."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from raphe.core.errors import SettingError
from raphe.harness.database.address import address_of, sqlite_file, without_credentials

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
