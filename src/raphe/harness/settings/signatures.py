"""What a `_target_` of raphe takes, read from its source: importing it would load torch."""

import ast
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

OWN_PACKAGE = "raphe"
NUMBERS = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,), "Path": (str,)}
LISTS = {"list", "tuple", "Sequence", "Iterable", "Collection"}
SECTIONS = {"dict", "Mapping"}


@dataclass(frozen=True)
class Accepted:
    """What an annotation admits; `anything` where it names a type that no setting is told from."""

    types: tuple[type, ...] = ()
    words: tuple[object, ...] = ()  # of a Literal
    null: bool = False
    anything: bool = False

    def __or__(self, other: "Accepted") -> "Accepted":
        return Accepted(
            self.types + other.types,
            self.words + other.words,
            self.null or other.null,
            self.anything or other.anything,
        )


ANYTHING = Accepted(anything=True)


@cache
def arguments(target: str) -> dict[str, Accepted] | None:
    """What each argument of a class or function admits, by name; None where that is not known."""
    module, _, name = target.rpartition(".")
    tree = _tree(module)
    if tree is None:
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _of_function(node, module)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _of_class(node, module)
    return None


def _of_class(node: ast.ClassDef, module: str) -> dict[str, Accepted] | None:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return _of_function(statement, module)
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if node.bases or not any("dataclass" in decorator for decorator in decorators):
        return None
    return {
        statement.target.id: _accepted(statement.annotation, module)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def _of_function(node: ast.FunctionDef, module: str) -> dict[str, Accepted] | None:
    if node.args.kwarg is not None:
        return None
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return {
        argument.arg: _accepted(argument.annotation, module)
        for argument in every
        if argument.arg != "self"
    }


def _accepted(annotation: ast.expr | None, module: str) -> Accepted:
    match annotation:
        case ast.Constant(value=None):
            return Accepted(null=True)
        case ast.Constant(value=str(text)):
            return _accepted(ast.parse(text, mode="eval").body, module)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _accepted(left, module) | _accepted(right, module)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=items):
            items = items.elts if isinstance(items, ast.Tuple) else [items]
            return Accepted(words=tuple(ast.literal_eval(item) for item in items))
        case ast.Subscript(value=ast.Name(id="Optional"), slice=item):
            return _accepted(item, module) | Accepted(null=True)
        case ast.Subscript(value=ast.Name(id=name)) if name in LISTS:
            return Accepted((list,))
        case ast.Subscript(value=ast.Name(id=name)) if name in SECTIONS:
            return Accepted((dict,))
        case ast.Name(id=name) if name in NUMBERS:
            return Accepted(NUMBERS[name])
        case ast.Name(id=name) if name in LISTS | SECTIONS:
            return Accepted((list if name in LISTS else dict,))
        case ast.Name(id=name):
            return _of_alias(name, module)
    return ANYTHING


def _of_alias(name: str, module: str) -> Accepted:
    """Follow the name of a type to `Name = Literal[…]`, in its module or where that imports it."""
    tree = _tree(module)
    for node in tree.body if tree is not None else ():
        match node:
            case ast.Assign(targets=[ast.Name(id=assigned)], value=ast.Subscript() as value):
                if assigned == name:
                    return _accepted(value, module)
            case ast.AnnAssign(target=ast.Name(id=assigned), value=ast.Subscript() as value):
                if assigned == name:
                    return _accepted(value, module)
            case ast.ImportFrom(module=str(source), names=names):
                for alias in names:
                    if (alias.asname or alias.name) == name:
                        return _of_alias(alias.name, source)
    return ANYTHING


@cache
def _tree(module: str) -> ast.Module | None:
    """The source of a module of raphe, whose packages are light; of others nothing is read."""
    if module.partition(".")[0] != OWN_PACKAGE:
        return None
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
