"""Notebooks as submissions: the cell that defines the function, and what it needs of the other cells.

A cell is never run as a whole: only definitions, imports and assignments that the function uses, so that
a cell which grades, draws or prints does nothing here.
"""

from __future__ import annotations

import ast
import json
import symtable
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grader.submission import CannotRun, Part, Submission, check_function, defined, parsed, which


@dataclass(frozen=True)
class _Cell:
    label: str
    lines: list[str]
    names: dict[str, ast.stmt]


def read_notebook(path: Path, text: str, number: int | None) -> Submission:
    """Read a notebook without running it. Raises CannotRun when there is nothing to run."""
    cells, broken = list[_Cell](), dict[str, CannotRun]()
    for label, source in _code_cells(path, text):
        try:
            tree = parsed(source, label)
        except CannotRun as problem:
            broken[source] = problem
            continue
        cells.append(_Cell(label, source.splitlines(), defined(tree)))
    names = {name: node for cell in cells for name, node in cell.names.items()}
    if not cells and not broken:
        raise CannotRun(f"{path.name} has no code in it. Did you save it?")
    exercise = which(path, number, {*names, *(word for source in broken for word in _words(source))})
    spoilt = [problem for source, problem in broken.items() if exercise.function in _words(source)]
    if spoilt:
        raise spoilt[-1]
    found = [place for place, cell in enumerate(cells) if exercise.function in cell.names]
    if not found:
        check_function(names, exercise, path.name)  # always raises
    last = cells[found[-1]]
    check_function(last.names, exercise, last.label)
    parts = _parts(cells, found[-1], exercise.function)
    warnings = []
    if len(found) > 1:
        others = " and ".join(cells[place].label.partition(", ")[2] for place in found[:-1])
        graded = last.label.partition(", ")[2]
        warnings.append(
            f"{exercise.function} is defined in {others} too; the last one, {graded}, was graded."
        )
    return Submission(path, exercise, parts, last.label, tuple(warnings))


def _code_cells(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """Each code cell by its place among all cells, with the lines blanked that only IPython understands."""
    try:
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotRun(
            f"{path.name} is not a whole notebook ({type(error).__name__}: {error}). Open it in JupyterLab, "
            "save it, and hand it in again."
        ) from None
    for place, (kind, source) in enumerate(cells, start=1):
        if kind == "code" and not source.lstrip().startswith("%%"):
            lines = ["" if x.lstrip().startswith(("%", "!", "?")) else x for x in source.splitlines()]
            yield f"{path.name}, cell {place}", "\n".join(lines)


def _words(source: str) -> set[str]:
    return set(source.replace("(", " ").split())


def _parts(cells: list[_Cell], chosen: int, function: str) -> tuple[Part, ...]:
    """The function, and before it what it uses, and what that uses, in the order of the notebook."""
    order = [*range(chosen, -1, -1), *range(chosen + 1, len(cells))]
    needed: dict[tuple[int, int], Part] = {}
    waiting, seen = [function, *(name for cell in cells for name in cell.names if name[0] == "*")], set[str]()
    while waiting:
        name = waiting.pop()
        place = next((x for x in order if name in cells[x].names), None)
        if name in seen or place is None:
            continue
        seen.add(name)
        cell, node = cells[place], cells[place].names[name]
        source = _source(cell, node)
        needed[place, node.lineno] = Part(cell.label, source)
        waiting += _uses(source)
    return tuple(part for _, part in sorted(needed.items()))


def _source(cell: _Cell, node: ast.stmt) -> str:
    """One statement, at the line where it stands in its cell."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n" * (first - 1) + "\n".join(cell.lines[first - 1 : node.end_lineno])


def _uses(source: str) -> list[str]:
    """The names that a statement takes from around it."""
    found: set[str] = set()

    def look(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                found.add(symbol.get_name())
        for child in table.get_children():
            look(child, top=False)

    with suppress(SyntaxError):  # that is told when it is compiled
        look(symtable.symtable(source, "cell", "exec"), top=True)
    return sorted(found)
