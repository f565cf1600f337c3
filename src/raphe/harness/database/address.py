"""Addresses of databases and servers: built from a path, read back, shown without credentials."""

import argparse
import os
import re
import stat
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.sentences import first_line

SQLITE = "sqlite"
PLAIN = re.compile(r"[^%?#\x00-\x1f\x7f]*")  # what an address may hold as it is
HIDDEN = "***"
OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# A password that nobody has escaped may hold @ and /, but then a colon stands before it.
USER = re.compile(r"(?<=://)(?:[^\s/:@'\"]*:(?!\d+(?:/|$))[^\s'\"]*|[^\s/'\"]*)@")
SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
ESCAPED = re.compile(r"(?:[\w.~!$&'()*+,;=:-]|%[0-9a-fA-F]{2})*", re.ASCII)  # NAME:PASSWORD
SECRET = re.compile(
    r"([?&;][\w.-]*(?:token|passw|pwd|secret|key|sig|auth|credential)[\w.-]*=)[^&;\s'\"#)]*",
    re.IGNORECASE,
)


_HELD_BY: dict[str, str] = {}  # which file an address was read from, as @FILE


def without_credentials(text: str) -> str:
    """A text, in which addresses may stand, without their users, passwords and tokens.

    >>> without_credentials("tracking.uri=http://me:pass@host:5000/x?token=abc&page=2")
    'tracking.uri=http://***@host:5000/x?token=***&page=2'
    >>> without_credentials("models:/cells@champion at http://127.0.0.1:5000/a@b")
    'models:/cells@champion at http://127.0.0.1:5000/a@b'
    """
    return SECRET.sub(rf"\1{HIDDEN}", USER.sub(f"{HIDDEN}@", text))


def address_given(text: str) -> str:
    """An address, or what the file holds that `@FILE` names: a password in no command and no
    environment. Raises SettingError for a file that is missing, or that others may read."""
    if not text.startswith("@"):
        _require_escaped(text, "tracking.uri")
        return text
    file = Path(text[1:]).expanduser()
    try:
        mode, address = file.stat().st_mode, file.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise SettingError(
            f"{text}: expected a file with the address of an MLflow server or database, got "
            f"{first_line(error)}; make it, or name another"
        ) from None
    if os.name == "posix" and mode & OF_OTHERS:
        raise SettingError(
            f"{file}: holds an address with its password, and others may read it; "
            f"`{printed_command('chmod', '600', file)}` keeps it to you"
        )
    if len(address.split()) != 1 or not SCHEME.match(address):
        raise SettingError(f"{file}: expected one address, as http://USER:PASSWORD@host:5000")
    _require_escaped(address, str(file))
    _HELD_BY[address] = text
    return address


def _require_escaped(address: str, place: str) -> None:
    """Raise SettingError for a name or password with characters that end it where an address is
    read: libraries take the rest of it for a host or a path, and print it."""
    rest = SCHEME.sub("", address, count=1)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = rest.removeprefix(authority).partition("?")[0]
    user, _, host = authority.rpartition("@")
    has_port = host.startswith("[") or re.fullmatch(r"[^:]*(:\d*)?", host)
    if not ESCAPED.fullmatch(user) or not has_port or "@" in path:
        raise SettingError(
            f"{place}: holds a name or password with characters that an address does not take; "
            "write each of them as %XX (@ as %40, / as %2F, % as %25), or set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, which take them as they are"
        )


def as_named(address: str) -> str:
    """What names an address in a command: the file that held it, as @FILE, or itself without its
    credentials."""
    return _HELD_BY.get(address) or without_credentials(address)


def address_spoken(text: str, named_by: str) -> str:
    """What a command line says an address is. Raises SettingError for one with a password or token:
    everyone on this machine can read it there, and shells keep it."""
    if not text.startswith("@") and without_credentials(text) != text:
        raise SettingError(
            f"{named_by}{without_credentials(text)}: a password on a command line is seen by all "
            "on this machine; write the address into a file closed to others (chmod 600) and name "
            f"that, {named_by}@FILE, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return text


def address_option(text: str) -> str:
    """As `address_given`, of an option of a command."""
    try:
        return address_given(address_spoken(text, "--uri "))
    except SettingError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_where_tracked(parser: argparse.ArgumentParser) -> None:
    """The options of a command that name tracked runs: --runs FOLDER, or --uri ADDRESS."""
    parser.add_argument(
        "--runs", type=Path, default=Path("mlruns"), help="folder of tracked runs (default: mlruns)"
    )
    parser.add_argument(
        "--uri",
        type=address_option,
        help="MLflow server instead, as http://host:5000, or @FILE that holds its address",
    )


def address_of(database: Path) -> str:
    """The address of a SQLite file as MLflow takes it; an absolute path may hold any character.

    What a path holds beside plain characters is escaped once for SQLite, which reads a `file:`
    address, and once more where SQLAlchemy's version decodes what it is given.
    """
    if PLAIN.fullmatch(str(database)):
        return f"{SQLITE}:///{database}"
    from sqlalchemy import URL

    file = f"file:{quote(database.as_posix())}"
    # With its driver: of an address without one MLflow makes the folder, still escaped.
    return URL.create(f"{SQLITE}+pysqlite", database=file, query={"uri": "true"}).render_as_string()


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite address, absolute; None for a server or another kind of database.

    Raises SettingError for an address that is none, or of a database in memory.
    """
    if not re.match(rf"{SQLITE}(\+\w+)?:", uri):
        return None
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        database = make_url(uri).database
    except ArgumentError:
        database = None
    if not database or ":memory:" in database:
        raise SettingError(
            f"tracking.uri={uri}: expected the path of a database, as sqlite:////path/mlflow.db"
        )
    if database.startswith("file:"):
        database = unquote(database.removeprefix("file:"))
    return Path(database).absolute()


def is_server(uri: str | None) -> bool:
    """Whether an address is that of a server, and not of a database or of nothing."""
    return uri is not None and uri.startswith("http")


def shown(uri: str) -> str:
    """Where runs are tracked, for a sentence: the file of a database, of a server its address.

    >>> shown("sqlite:////data/mlruns/mlflow.db"), shown("http://me:pass@host:5000")
    ('/data/mlruns/mlflow.db', 'http://***@host:5000')
    """
    database = sqlite_file(uri)
    return without_credentials(uri) if database is None else str(database)


def local_folder(uri: str) -> Path | None:
    """The folder that an address of artifacts or a path names; None for one on a server."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme or not uri else Path(uri)
