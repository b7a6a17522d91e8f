"""Submissions: a Python file, or the last cell of a notebook that defines the function."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.exercises import EXERCISES, Exercise


class CannotRun(Exception):
    """The submission cannot be run at all; the text says what happened, what it means and what to do."""


@dataclass(frozen=True)
class Submission:
    """Source that defines the function. `cell`: where in a notebook it is; `above`: lines put before it."""

    path: Path
    exercise: Exercise
    source: str
    cell: int | None = None
    above: int = 0
    warnings: tuple[str, ...] = field(default=())

    def where(self, line: int) -> str:
        """A line of the source, in words for its author, with its text."""
        text = self.source.splitlines()[line - 1].strip() if 0 < line <= len(self.source.splitlines()) else ""
        place = (
            f"{self.path.name}:{line}"
            if self.cell is None
            else f"{self.path.name}, cell {self.cell}:{line - self.above}"
        )
        return f"{place}   {text}"


def read(path: Path, number: int | None = None) -> Submission:
    """Read a submission without running it. Raises CannotRun when there is nothing to run."""
    if path.is_dir():
        raise CannotRun(f"{path.name} is a folder. Hand in the file itself, a .py or an .ipynb.")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = difflib.get_close_matches(
            path.name, [x.name for x in path.parent.glob("*")] if path.parent.is_dir() else []
        )
        hint = f" Did you mean {near[0]}?" if near else " Check the name and the folder."
        raise CannotRun(f"There is no file {path.name}.{hint}") from None
    except (UnicodeDecodeError, OSError) as error:
        raise CannotRun(f"{path.name} cannot be read as text ({error}). Save it as UTF-8.") from None
    if path.suffix == ".ipynb":
        return _from_notebook(path, text, number)
    tree = _parsed(text, path.name)
    exercise = _exercise(path, number, _functions(tree))
    _check_function(tree, exercise, path.name)
    return Submission(path, exercise, text)


def _exercise(path: Path, number: int | None, functions: dict[str, ast.AST]) -> Exercise:
    """By number, else by the file's name, else by the function it defines."""
    if number is not None:
        if number not in EXERCISES:
            raise CannotRun(f"There is no exercise {number} here, only {', '.join(map(str, EXERCISES))}.")
        return EXERCISES[number]
    for exercise in EXERCISES.values():
        if path.stem.startswith(exercise.module):
            return exercise
    for exercise in EXERCISES.values():
        if exercise.function in functions:
            return exercise
    if (
        len(EXERCISES) == 1
        or (found := difflib.get_close_matches(path.stem, [x.module for x in EXERCISES.values()])) == []
    ):
        known = ", ".join(f"{exercise.module}.py" for exercise in EXERCISES.values())
        raise CannotRun(
            f"Which exercise is {path.name}? Neither its name ({known}) nor a function in it "
            f"({', '.join(x.function for x in EXERCISES.values())}) says so. Rename one, or "
            "give --exercise N."
        )
    return next(x for x in EXERCISES.values() if x.module == found[0])


def _parsed(text: str, name: str, above: str = "") -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        caret = " " * max((error.offset or 1) - 1, 0) + "^"
        raise CannotRun(
            f"{name}{above}, line {error.lineno}: Python cannot read this ({error.msg}).\n\n    {line}\n"
            f"    {caret}\n\nNothing was run. Mend that line, or the one above it, and grade again."
        ) from None
    except ValueError as error:
        raise CannotRun(f"{name} is not Python source: {error}.") from None


def _functions(tree: ast.Module) -> dict[str, ast.AST]:
    """What a module defines at its top, under a name."""
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return found


def _check_function(tree: ast.Module, exercise: Exercise, name: str) -> None:
    wanted, found = exercise.function, _functions(tree)
    node = found.get(wanted)
    if node is None:
        near = difflib.get_close_matches(
            wanted, [x for x, y in found.items() if not isinstance(y, ast.Assign)], 1, 0.4
        )
        other = (
            f" It defines {near[0]}: rename that to {wanted}."
            if near
            else f" Begin it with: async def {wanted}(saga, ...):"
        )
        raise CannotRun(f"{name} defines no function {wanted}, which is the one that is graded.{other}")
    if isinstance(node, ast.FunctionDef):
        raise CannotRun(
            f"{name}, line {node.lineno}: {wanted} is a plain function. A saga waits for services, so it is "
            f"written\n\n    async def {wanted}({ast.unparse(node.args)}):\n\nand each saga.step(...) is awaited."
        )
    if isinstance(node, ast.AsyncFunctionDef):
        given = node.args.posonlyargs + node.args.args
        required = len(given) - len(node.args.defaults)
        if node.args.vararg is None and not required <= 3 <= len(given):
            raise CannotRun(
                f"{name}, line {node.lineno}: {wanted} takes {len(given)} parameters, and is called with "
                "three: the saga, the request, and the services."
            )


# ---- notebooks


def _from_notebook(path: Path, text: str, number: int | None) -> Submission:
    cells = list(_code_cells(path, text))
    trees: list[tuple[int, str, ast.Module]] = []
    broken: CannotRun | None = None
    for place, source in cells:
        try:
            trees.append((place, source, _parsed(source, path.name, f", cell {place}")))
        except CannotRun as error:
            broken = broken or error
    names = {name: node for _, _, tree in trees for name, node in _functions(tree).items()}
    if not names and broken is not None:
        raise broken
    exercise = _exercise(path, number, names)
    defining = [
        (place, source, tree) for place, source, tree in trees if exercise.function in _functions(tree)
    ]
    if not defining:
        if broken is not None:
            raise broken
        near = difflib.get_close_matches(exercise.function, names, 1, 0.4)
        other = f" It defines {near[0]}: rename that." if near else ""
        raise CannotRun(
            f"No cell of {path.name} defines {exercise.function}, which is the one that is graded.{other}"
        )
    place, source, tree = defining[-1]
    _check_function(tree, exercise, f"{path.name}, cell {place}")
    above = _needed(tree, [other for at, _, other in trees if at != place])
    warnings = []
    if len(defining) > 1:
        warnings.append(
            f"{exercise.function} is defined in {len(defining)} cells; the last one, cell {place}, was graded"
        )
    return Submission(path, exercise, above + source, place, above.count("\n"), tuple(warnings))


def _code_cells(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Each code cell, by its place among all cells, with lines for IPython alone taken out."""
    try:
        cells = json.loads(text)["cells"]
        sources = [(x["cell_type"], "".join(x["source"])) for x in cells]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise CannotRun(
            f"{path.name} is not a whole notebook ({type(error).__name__}: {error}). Open it in "
            "JupyterLab, save it, and hand it in again."
        ) from None
    for place, (kind, source) in enumerate(sources, start=1):
        if kind == "code" and not source.lstrip().startswith("%%"):
            lines = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.split("\n")]
            yield place, "\n".join(lines)


def _needed(tree: ast.Module, others: list[ast.Module]) -> str:
    """The imports of the other cells, and the definitions there that this one uses."""
    imports, definitions = [], dict[str, ast.stmt]()
    for other in others:
        for node in other.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(node))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                definitions[node.name] = node
            elif isinstance(node, ast.Assign) and _is_plain(node.value):
                definitions |= {x.id: node for x in node.targets if isinstance(x, ast.Name)}
    own = set(_functions(tree))
    used: list[str] = []
    waiting = _names(tree) - own
    while waiting:
        name = min(waiting)
        waiting.discard(name)
        if name in definitions and name not in used:
            used.append(name)
            waiting |= _names(definitions[name]) - own
    kept = [ast.unparse(node) for name, node in definitions.items() if name in used]
    kept = [
        line for line in imports if not line.startswith("from grader") and "import grader" not in line
    ] + kept
    return "".join(f"{text}\n" for text in dict.fromkeys(kept))


def _names(node: ast.AST) -> set[str]:
    return {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}


def _is_plain(node: ast.expr) -> bool:
    """A value whose making calls nothing: a cell that runs things is never run by the grader."""
    return not any(isinstance(x, ast.Call | ast.Await) for x in ast.walk(node))
