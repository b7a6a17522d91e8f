"""Submissions: a Python file, or a notebook whose last cell that defines the function is graded.

Nothing of a submission is run here. What cannot be run at all is told by hand, for whoever hands in a
file for the first time.
"""

from __future__ import annotations

import ast
import difflib
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from grader.exercises import EXERCISES, Exercise

MOST_SOURCE, MOST_OF_A_NOTEBOOK = 1_000_000, 100_000_000
"""Bytes of a file: no honest source has a hundredth; a notebook brings its outputs along."""


class CannotRun(Exception):
    """The submission cannot be run at all; the text says what happened, what it means and what to do."""


@dataclass(frozen=True)
class Part:
    """Source to be run, under the label that tracebacks give it; its line numbers are those of its author."""

    label: str
    source: str


@dataclass(frozen=True)
class Submission:
    """What to run, in this order. The function is in the part labelled `label`."""

    path: Path
    exercise: Exercise
    parts: tuple[Part, ...]
    label: str
    warnings: tuple[str, ...] = ()

    def where(self, line: int, label: str = "") -> str:
        """A line in words for its author, with its text."""
        label = label or self.label
        for part in self.parts:
            lines = part.source.splitlines()
            if part.label == label and 0 < line <= len(lines) and lines[line - 1].strip():
                return f"{place(label, line)}   {lines[line - 1].strip()}"
        return place(label, line)


def place(label: str, line: int) -> str:
    """`file.py:41`, or `file.ipynb, cell 7, line 3`."""
    return f"{label}, line {line}" if ", cell " in label else f"{label}:{line}"


def read(path: Path, number: int | None = None) -> Submission:
    """Read a submission without running it. Raises CannotRun when there is nothing to run."""
    try:
        return _read(path, number)
    except (RecursionError, MemoryError):
        raise CannotRun(f"{path.name} is nested too deep to be read: simplify it.") from None


def _read(path: Path, number: int | None) -> Submission:
    from grader.notebook import read_notebook  # it needs the words of this module

    if not path.name.isprintable():
        raise CannotRun("Its name has characters that cannot be shown. Rename it, and hand it in again.")
    text = _text(path)
    if path.suffix == ".ipynb":
        return read_notebook(path, text, number)
    if path.suffix not in (".py", ""):
        raise CannotRun(f"{path.name} is neither a .py nor an .ipynb. Hand in the file with your function.")
    tree = parsed(text, path.name)
    if not tree.body:
        raise CannotRun(f"{path.name} is empty. Did you save it?")
    names = defined(tree)
    exercise = which(path, number, names)
    check_function(names, exercise, path.name)
    return Submission(path, exercise, (Part(path.name, text),), path.name)


def _text(path: Path) -> str:
    if path.is_dir():
        inside = sorted(x.name for x in path.glob("exercise*") if x.suffix in (".py", ".ipynb"))
        hint = f", for instance {path.name}/{inside[0]}" if inside else ", a .py or an .ipynb"
        raise CannotRun(f"{path.name} is a folder. Hand in one file{hint}.")
    most = MOST_OF_A_NOTEBOOK if path.suffix == ".ipynb" else MOST_SOURCE
    try:
        data = _bytes(path, most)
    except FileNotFoundError:
        others = [x.name for x in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, others, 1)
        hint = f"Did you mean {near[0]}?" if near else "Check the name, and the folder you are in."
        raise CannotRun(f"There is no file {path.name}. {hint}") from None
    except OSError as error:
        raise CannotRun(f"{path.name} cannot be read: {error.strerror}.") from None
    if len(data) > most:
        raise CannotRun(
            f"{path.name} has more than {most:,} bytes and was not read. Hand in the file with your "
            "function alone; of a notebook, clear the outputs."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CannotRun(f"{path.name} is not text in UTF-8. Save it again with that encoding.") from None


def _bytes(path: Path, most: int) -> bytes:
    """What a file holds, and a byte more than `most` when it is longer. Raises OSError, CannotRun.

    A link out of its folder would show its author whatever the grader may read; a FIFO never ends.
    """
    if path.is_symlink() and os.path.dirname(os.path.realpath(path)) != os.path.realpath(path.parent):
        raise CannotRun(f"{path.name} is a link to a file elsewhere. Hand in the file itself.")
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise CannotRun(f"{path.name} is no file, but a device or a pipe. Hand in the file itself.")
        return file.read(most + 1)


def parsed(text: str, label: str) -> ast.Module:
    """The syntax tree. Raises CannotRun with the line and a caret under the place."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        line, shown = error.lineno or 1, (error.text or "").rstrip("\n")
        caret = " " * max((error.offset or 1) - 1, 0) + "^"
        raise CannotRun(
            f"{place(label, line)}: Python cannot read this: {error.msg}.\n\n    {shown}\n    {caret}\n\n"
            "Mend that line, or the one above it; nothing was run."
        ) from None
    except ValueError as error:  # null bytes
        raise CannotRun(f"{label} is not Python source: {error}.") from None


def defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """What a module defines at its top, by name; of two definitions the last."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        for name in _binds(node):
            found[name] = node
    return found


def _binds(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign(targets=targets):
            return [x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            return [name]
        case ast.ImportFrom(module=module, names=[ast.alias(name="*")]):
            return [f"* of {module}"]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(x.asname or x.name).partition(".")[0] for x in names]
    return []


def which(path: Path, number: int | None, names: Collection[str]) -> Exercise:
    """The exercise: by number, else by the file's name, else by the function it defines."""
    if number is not None:
        if number not in EXERCISES:
            known = ", ".join(str(x) for x in EXERCISES)
            raise CannotRun(f"There is no exercise {number} here yet, only {known}.")
        return EXERCISES[number]
    for exercise in EXERCISES.values():
        if path.stem.startswith((exercise.module, f"exercise{exercise.number}_")):
            return exercise
    for exercise in EXERCISES.values():
        if exercise.function in names:
            return exercise
    modules = [exercise.module for exercise in EXERCISES.values()]
    functions = [exercise.function for exercise in EXERCISES.values()]
    raise CannotRun(
        f"Which exercise is {path.name}? Neither its name ({', '.join(modules)}) nor a function in it "
        f"({', '.join(functions)}) says so. Rename one of them, or give --exercise N."
    )


def check_function(names: dict[str, ast.stmt], exercise: Exercise, label: str) -> None:
    """Is the function there, and can it be called? Raises CannotRun with the most common slip."""
    wanted, node = exercise.function, names.get(exercise.function)
    if node is None:
        functions = [x for x, y in names.items() if isinstance(y, ast.FunctionDef | ast.AsyncFunctionDef)]
        near = difflib.get_close_matches(wanted, functions, 1, 0.4) or functions[-1:]
        slip = (
            f"It defines {near[0]}: rename that to {wanted}."
            if near
            else f"Begin it with: async def {wanted}({PARAMETERS}):"
        )
        raise CannotRun(f"{label} defines no function {wanted}, the one that is graded. {slip}")
    if isinstance(node, ast.FunctionDef) and not node.decorator_list:
        raise CannotRun(
            f"{place(label, node.lineno)}: {wanted} is a plain function. A saga waits for services, so begin "
            f"it with\n\n    async def {wanted}({ast.unparse(node.args)}):\n\nand await every saga.step(...)."
        )
    if isinstance(node, ast.AsyncFunctionDef) and not node.decorator_list:
        given = [*node.args.posonlyargs, *node.args.args]
        required = len(given) - len(node.args.defaults)
        unnamed = [x for x in node.args.kw_defaults if x is None]
        if unnamed or required > 3 or (len(given) < 3 and node.args.vararg is None):
            raise CannotRun(
                f"{place(label, node.lineno)}: {wanted} takes {ast.unparse(node.args) or 'nothing'}. It is "
                f"called with three: the saga, the request, and the services. Begin it with\n\n"
                f"    async def {wanted}({PARAMETERS}):"
            )


PARAMETERS = "saga, request, services"
