"""Mechanical mutants: a program that is right, with one small mistake, at every place where one fits.

In the manner of Mothra's operators (King and Offutt 1991), cut to what sagas are made of. `pairs` are
second-order mutants of the mistakes that learners make most.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Change = Callable[[Any], Any]
"""Takes a node and gives what stands in its place: a node, or statements."""
Changes = Iterator[tuple[str, Change]]


@dataclass(frozen=True)
class Mutant:
    """A changed program. `name` says what was changed, and stays when lines move."""

    name: str
    source: str


@dataclass(frozen=True)
class _Edit:
    """A change of the node with the number `place`. `top`: its place among the ten commonest mistakes."""

    what: str
    place: int
    change: Change
    top: int = 0


def mutants(source: str, statuses: Collection[str]) -> Iterator[Mutant]:
    """Every mutant of a program; `statuses` are the words that its saga may return."""
    tree, seen = _numbered(source), Counter[str]()
    for edit in _edits(tree, statuses):
        changed = _unparsed(_changed(tree, edit))
        if changed != _unparsed(tree):
            seen[edit.what] += 1
            nth = f" ({seen[edit.what]})" if seen[edit.what] > 1 else ""
            yield Mutant(edit.what + nth, changed)


def pairs(source: str, statuses: Collection[str]) -> Iterator[Mutant]:
    """Every two of the commonest mistakes in one program, at all places where both fit."""
    tree = _numbered(source)
    for one, two in combinations([edit for edit in _edits(tree, statuses) if edit.top], 2):
        if one.top != two.top:
            once = _changed(tree, one)
            twice = _changed(once, two)
            if len({ast.dump(x) for x in (once, twice, _changed(tree, two))}) == 3:
                yield Mutant(f"{one.what} + {two.what}", _unparsed(twice))


def _numbered(source: str) -> ast.Module:
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        node.place = place  # type: ignore[attr-defined]
    return tree


def _changed(tree: ast.Module, edit: _Edit) -> ast.Module:
    return _Apply(edit).visit(copy.deepcopy(tree))


def _unparsed(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree))


class _Apply(ast.NodeTransformer):
    def __init__(self, edit: _Edit) -> None:
        self._edit = edit

    def visit(self, node: ast.AST) -> Any:
        if getattr(node, "place", None) == self._edit.place:
            return self._edit.change(node)
        return self.generic_visit(node)


# ---- what is changed, kind by kind of node


def _edits(tree: ast.Module, statuses: Collection[str]) -> Iterator[_Edit]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    words = {x.value for call in calls for x in call.args[2:] if _text(x)}
    checks = {keyword.value for call in calls for keyword in call.keywords if keyword.arg == "check"}
    fields: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            fields.setdefault(node.value.id, set()).add(node.attr)
    for node in _code(tree):
        for kind, changes in _CHANGES.items():
            if isinstance(node, kind):
                for what, change in changes(node):
                    yield _Edit(what, node.place, change, _top(node, what))
        others = () if node in checks else _field(node, fields)
        for what, change in [*_constant(node, statuses, words), *others]:
            yield _Edit(what, node.place, change, _top(node, what))


def _top(node: ast.AST, what: str) -> int:
    """Which of the ten commonest mistakes this is; check-then-act and snapshots are not mechanical."""
    told = {
        "drop compensate=": 6,  # only some of the steps are undone
        "a new key on every attempt": 2,
        "except CompensationFailed": 3,  # and a clean status
        "a time-out is read as a no": 4,
        "under another key than its action": 7,
        "drop saga.park": 9,  # what fails at the end is forgotten
        "not isinstance(": 10,  # no answer is told as a no, and a no as none
    }
    rank = next((rank for words, rank in told.items() if words in what), 0)
    pivot = isinstance(node, ast.Call) and any(keyword.arg == "pivot" for keyword in node.keywords)
    return 1 if rank == 6 and pivot else rank  # the pivot is what ends in doubt and is still undone


def _code(tree: ast.Module) -> Iterator[Any]:
    """What runs: neither imports nor annotations nor docstrings."""
    idle = set[ast.AST]()
    for node in ast.walk(tree):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            parts.append(node)
        idle.update(x for part in parts if part for x in ast.walk(part))
    return (node for node in ast.walk(tree) if node not in idle)


def _call(node: ast.Call) -> Changes:
    """A keyword is dropped; an argument of a step is dropped, or takes the place of the next."""
    if not (node.args and _text(node.args[0])):
        if isinstance(node.func, ast.Name) and node.func.id == "reversed":
            yield f"drop reversed of {_short(node.args[0])}", lambda call: call.args[0]
        return
    step = f"{node.args[0].value}: " if len(node.args) > 1 else ""  # type: ignore[attr-defined]
    for keyword in node.keywords:
        yield f"{step}drop {_short(keyword)}", _drop_keyword(keyword.arg)
        if keyword.arg == "compensate":
            yield f"{step}{_short(keyword.value)} under another key than its action", _undo_elsewhere
    if isinstance(node.func, ast.Attribute) and node.func.attr == "key":
        yield f"another key than {_short(node)}", _parsed("NODE + 'x'")
    if isinstance(node.func, ast.Attribute) and node.func.attr == "step":
        yield f"{step}a new key on every attempt", _new_key
    for place in range(2, len(node.args)):
        this = node.args[place]
        yield f"{step}drop the argument {_short(this)}", _without("args", place)
        if "amount" in ast.unparse(this):
            yield f"{step}{_short(this)} + 1", _replaced("args", place, _parsed("NODE + 1"))
        if place + 1 < len(node.args):
            yield f"{step}swap {_short(this)} and {_short(node.args[place + 1])}", _swapped("args", place)


def _drop_keyword(name: str | None) -> Change:
    def change(call: ast.Call) -> ast.Call:
        call.keywords = [keyword for keyword in call.keywords if keyword.arg != name]
        return call

    return change


def _undo_elsewhere(call: ast.Call) -> ast.Call:
    for keyword in call.keywords:
        if keyword.arg == "compensate":
            keyword.value = _parsed("lambda key: NODE(key + '/undo')")(keyword.value)
    return call


def _new_key(call: ast.Call) -> ast.Call:
    call.args[1] = _parsed("lambda key, *a: NODE(f'{key}/{__import__(\"uuid\").uuid4()}', *a)")(call.args[1])
    return call


def _dict(node: ast.Dict) -> Changes:
    for place, key in enumerate(node.keys):
        if key is not None:
            value = f"{_short(key).strip(chr(39))}={_short(node.values[place])}"
            yield f"drop {value}", lambda found, at=place: _without("values", at)(_without("keys", at)(found))


def _body(node: ast.AST) -> Changes:
    """Statements are dropped, and swapped when the later one needs nothing of the earlier."""
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        for place, this in enumerate(statements if isinstance(statements, list) else []):
            nothing = _replaced(field, place, lambda _: ast.Pass())
            if isinstance(this, (ast.Return, ast.Raise, ast.Break, ast.Continue)) or _acts(this):
                yield f"drop {_short(this)}", nothing
            elif isinstance(this, ast.If) and not this.orelse:
                yield f"drop if {_short(this.test)}", nothing
            elif isinstance(this, ast.Assign) and isinstance(this.value, ast.Await):
                yield f"no {_short(this)}", _replaced(field, place, _with(value=ast.Constant("")))
            if place + 1 < len(statements) and _apart(this, statements[place + 1]):
                yield f"swap {_short(this)} and {_short(statements[place + 1])}", _swapped(field, place)


def _try(node: ast.Try) -> Changes:
    """A handler catches more, or less, or is not there."""
    steps = [x.args[0].value for part in node.body for x in ast.walk(part) if isinstance(x, ast.Call) and x.args and _text(x.args[0])]  # type: ignore[attr-defined] # fmt: skip
    for place, handler in enumerate(node.handlers):
        if handler.type is None:
            continue
        name = f"except {_short(handler.type)}" + (f" of {steps[0]}" if steps else "")
        alone = len(node.handlers) == 1 and not node.finalbody
        yield (
            f"drop {name}",
            (lambda found: found.body + found.orelse) if alone else _without("handlers", place),
        )
        yield f"{name}: catch Exception", _catching(place, ast.Name("Exception"))
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for one in caught:
            rest = [x for x in caught if x is not one]
            if rest:
                yield f"{name}: not {_short(one)}", _catching(place, ast.Tuple(rest))
            if ast.unparse(one) == "StepFailed":
                for kind in ("Refused", "Unavailable", "InDoubt"):
                    yield f"{name}: only {kind}", _catching(place, ast.Tuple([_error(kind), *rest]))
                yield f"{name}: a time-out is read as a no", _no_for_time_outs(place)


def _catching(place: int, types: ast.expr) -> Change:
    return _replaced("handlers", place, _with(type=types))


def _no_for_time_outs(place: int) -> Change:
    """What is in doubt is answered at once, with the status of the handler and no undo."""

    def change(node: ast.Try) -> ast.Try:
        last = node.handlers[place].body[-1]
        if isinstance(last, ast.Return) and isinstance(last.value, ast.Call):
            node.handlers.insert(place, ast.ExceptHandler(_error("InDoubt"), None, [copy.deepcopy(last)]))
        return node

    return change


def _error(kind: str) -> ast.expr:
    return ast.parse(f"__import__('saga_lab').{kind}", mode="eval").body


def _await(node: ast.Await) -> Changes:
    yield f"drop await of {_short(node.value)}", lambda found: found.value


def _scope(node: ast.AsyncWith) -> Changes:
    yield f"no {_short(node.items[0])}", lambda found: found.body


def _branch(node: ast.If | ast.While | ast.IfExp) -> Changes:
    yield f"not {_short(node.test)}", lambda found: _with(test=_parsed("not NODE")(found.test))(found)


def _bool(node: ast.BoolOp) -> Changes:
    other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    yield f"{_short(node)}, the other way", _with(op=other)
    for place, value in enumerate(node.values):
        yield f"drop {_short(value)} of {_short(node)}", _without("values", place)


_OTHER: dict[Any, Any] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq},
    **{ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult},
}


def _compare(node: ast.Compare) -> Changes:
    if other := _OTHER.get(type(node.ops[0])):
        yield f"{other.__name__} in {_short(node)}", _with(ops=[other(), *node.ops[1:]])


def _binary(node: ast.BinOp) -> Changes:
    if other := _OTHER.get(type(node.op)):
        yield f"{other.__name__} in {_short(node)}", _with(op=other())


def _constant(node: ast.AST, statuses: Collection[str], words: Collection[str]) -> Changes:
    """A status becomes each other one, a word of an argument another such word, a number its neighbours."""
    value = node.value if isinstance(node, ast.Constant) else None
    others: list[Any] = []
    if value in statuses:
        others = [x for x in statuses if x != value]
    elif value in words:
        others = sorted(x for x in words if x != value)
    elif type(value) is int:
        others = [value + 1, value - 1]
    for other in others:
        yield f"{other!r} for {value!r}", lambda _, other=other: ast.Constant(other)


def _field(node: ast.AST, fields: dict[str, set[str]]) -> Changes:
    """A field of the request, or an operation of a service, becomes another that the program uses."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id != "saga":
        for other in sorted(fields[node.value.id] - {node.attr}):
            yield f"{node.value.id}.{other} for {_short(node)}", _with(attr=other)


_CHANGES: dict[Any, Callable[[Any], Changes]] = {
    ast.Call: _call,
    ast.Dict: _dict,
    (ast.stmt, ast.ExceptHandler): _body,
    ast.Try: _try,
    ast.Await: _await,
    ast.AsyncWith: _scope,
    (ast.If, ast.While, ast.IfExp): _branch,
    ast.BoolOp: _bool,
    ast.Compare: _compare,
    ast.BinOp: _binary,
}


# ---- changes


def _parsed(pattern: str) -> Change:
    """An expression of source, in which NODE is what stood there."""

    def change(node: ast.expr) -> ast.expr:
        tree = ast.parse(pattern, mode="eval").body
        return _Put(node).visit(tree)

    return change


class _Put(ast.NodeTransformer):
    def __init__(self, node: ast.expr) -> None:
        self._node = node

    def visit_Name(self, name: ast.Name) -> ast.expr:
        return self._node if name.id == "NODE" else name


def _without(field: str, place: int) -> Change:
    def change(node: Any) -> Any:
        values = getattr(node, field)
        del values[place : place + 1]
        return values[0] if isinstance(node, ast.BoolOp) and len(values) == 1 else node

    return change


def _swapped(field: str, place: int) -> Change:
    def change(node: Any) -> Any:
        values = getattr(node, field)
        values[place : place + 2] = reversed(values[place : place + 2])
        return node

    return change


def _replaced(field: str, place: int, new: Change) -> Change:
    def change(node: Any) -> Any:
        getattr(node, field)[place] = new(getattr(node, field)[place])
        return node

    return change


def _with(**fields: Any) -> Change:
    def change(node: Any) -> Any:
        for name, value in fields.items():
            setattr(node, name, copy.deepcopy(value))
        return node

    return change


# ---- what is there


def _text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _acts(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, (ast.Await, ast.Call))


def _apart(this: ast.stmt, that: ast.stmt) -> bool:
    """Both wait for something, and the later one needs no name that the earlier one binds."""
    if any(isinstance(x, (ast.AsyncFunctionDef, ast.FunctionDef)) for x in (this, that)):
        return False
    if not all(any(isinstance(x, ast.Await) for x in ast.walk(one)) for one in (this, that)):
        return False
    bound = {x.id for x in ast.walk(this) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)}
    return not any(isinstance(x, ast.Name) and x.id in bound for x in ast.walk(that))


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
