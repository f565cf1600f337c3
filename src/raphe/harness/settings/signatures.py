"""What a `_target_` of raphe takes, read from its source: importing it would load torch."""

import ast
import operator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from raphe.core.errors import SettingError
from raphe.core.ranges import Limit, Numbers, Range, fault, written

OWN_PACKAGE = "raphe"
NUMBERS = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,), "Path": (str,)}
LISTS = {"list", "tuple", "Sequence", "Iterable", "Collection"}
SECTIONS = {"dict", "Mapping"}
LIMITS = {"Range": Range, "Numbers": Numbers}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True)
class Accepted:
    """What an annotation admits; `anything` where it names a type that no setting is told from."""

    types: tuple[type, ...] = ()
    words: tuple[object, ...] = ()  # of a Literal
    null: bool = False
    anything: bool = False
    items: tuple[type, ...] = ()  # of a list of numbers
    limits: tuple[Limit, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the numbers, or those of the list, are whole."""
        return float not in self.types + self.items

    def __or__(self, other: "Accepted") -> "Accepted":
        return Accepted(
            self.types + other.types,
            self.words + other.words,
            self.null or other.null,
            self.anything or other.anything,
            self.items + other.items,
            self.limits + other.limits,
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
            return None if node.args.kwarg is not None else _of_function(node, module)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _of_class(node, module)
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return arguments(f"{node.module}.{alias.name}")
    return None


@cache
def trainer_arguments(target: str) -> set[str] | None:
    """Names that Lightning's trainer, or a function of raphe's that passes on to it, takes."""
    module, _, name = target.rpartition(".")
    package = find_spec("pytorch_lightning")
    if package is None or package.origin is None:
        return None
    source = Path(package.origin).parent / "trainer" / "trainer.py"
    names = _parameters(ast.parse(source.read_text(encoding="utf-8")), "Trainer")
    if target == "pytorch_lightning.Trainer":
        return names
    own = _tree(module)
    return None if own is None else names | _parameters(own, name)


def _parameters(tree: ast.Module, name: str) -> set[str]:
    """Of the function of that name, or the constructor of the class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
                if isinstance(inner, ast.FunctionDef) and inner.name in (name, "__init__"):
                    every = (*inner.args.posonlyargs, *inner.args.args, *inner.args.kwonlyargs)
                    return {argument.arg for argument in every} - {"self"}
    return set()


def check_range(name: str, value: Any, accepted: Accepted) -> None:
    """Raise SettingError for a value, of a type that fits, outside the range of its argument."""
    if value is None or isinstance(value, str | bool):  # a word, or taken from another setting
        return
    if isinstance(value, list) and any(isinstance(item, str) for item in value):
        return
    for limit in accepted.limits:
        if not limit.admits(value, accepted.whole):
            raise SettingError(f"{name}={written(value)}: {fault(limit, value, accepted.whole)}")


def _of_class(node: ast.ClassDef, module: str) -> dict[str, Accepted] | None:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            own = _of_function(statement, module)
            match node.bases:
                case [ast.Name(id=base)] if statement.args.kwarg is not None:
                    inherited = arguments(f"{module}.{base}")  # what it is not given by name
                    return None if inherited is None else inherited | own
            return own if statement.args.kwarg is None else None
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if node.bases or not any("dataclass" in decorator for decorator in decorators):
        return None
    return {
        statement.target.id: _accepted(statement.annotation, module)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def _of_function(node: ast.FunctionDef, module: str) -> dict[str, Accepted]:
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
        case ast.Subscript(value=ast.Name(id="Literal"), slice=words):
            return Accepted(words=tuple(ast.literal_eval(word) for word in _items(words)))
        case ast.Subscript(value=ast.Name(id="Optional"), slice=item):
            return _accepted(item, module) | Accepted(null=True)
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, *notes])):
            values = [_value(note, module) for note in notes]
            limits = tuple(value for value in values if isinstance(value, Limit))
            return replace(_accepted(kind, module), limits=limits)
        case ast.Subscript(value=ast.Name(id=name), slice=kinds) if name in LISTS:
            names = [item.id for item in _items(kinds) if isinstance(item, ast.Name)]
            is_numbers = names and set(names) <= {"int", "float"}
            return Accepted((list,), items=NUMBERS[max(names, key=len)] if is_numbers else ())
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
    """Follow the name of a type to `Name = Literal[…]` or the like; of a class nothing is known."""
    assigned = _assigned(name, module)
    match assigned:
        case ast.Subscript() | ast.BinOp() as value, source:
            return _accepted(value, source)
    return ANYTHING


def _assigned(name: str, module: str) -> tuple[ast.expr, str] | None:
    """What a name stands for, in its module or where that imports it, and the module."""
    tree = _tree(module)
    for node in tree.body if tree is not None else ():
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=assigned)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=assigned), value=ast.expr() as value)
            ) if assigned == name:
                return value, module
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, value in zip(names, values, strict=False):
                    if isinstance(target, ast.Name) and target.id == name:
                        return value, module
            case ast.ImportFrom(module=str(source), names=names):
                for alias in names:
                    if (alias.asname or alias.name) == name:
                        return _assigned(alias.name, source)
    return None


def _items(subscript: ast.expr) -> list[ast.expr]:
    """What stands in brackets."""
    return subscript.elts if isinstance(subscript, ast.Tuple) else [subscript]


def _value(node: ast.expr, module: str) -> Any:
    """What an expression of literals, constants and limits comes to; raises ValueError for more."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, module)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, module), _value(right, module))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in LIMITS:
            named = {str(keyword.arg): _value(keyword.value, module) for keyword in keywords}
            return LIMITS[name](*(_value(arg, module) for arg in args), **named)
        case ast.Name(id=name):
            if (assigned := _assigned(name, module)) is not None:
                return _value(*assigned)
    raise ValueError(f"{module}: {ast.unparse(node)} cannot be read without importing it")


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
