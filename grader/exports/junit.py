"""JUnit XML, as pytest writes it: for GitLab, Jenkins, GitHub and whatever else shows test results.

A broken promise is a `failure`; what could not be judged is an `error`, so that nothing unjudged is green;
what waits for an earlier failure is `skipped`. There is no standard for points: they are properties. Neither
a host name nor a time is written, so the same report makes the same bytes.
"""

from __future__ import annotations

from xml.etree import ElementTree as Tree

from grader.exports.checks import Check, checks, legible, total
from grader.report import Report


def xml(report: Report) -> str:
    """The document. One test case for each promise."""
    rows = checks(report)
    kinds = [_kind(report, row) for row in rows]
    suites = Tree.Element("testsuites", name="saga-lab")
    suite = Tree.SubElement(
        suites,
        "testsuite",
        name=legible(report.title or report.file),
        errors=str(kinds.count("error")),
        failures=str(kinds.count("failure")),
        skipped=str(kinds.count("skipped")),
        tests=str(len(rows)),
    )
    points, most = total(rows)
    _properties(suite, points=points, max_points=most, verdict=report.verdict, medal=report.medal or "none")
    for row, kind in zip(rows, kinds, strict=True):
        place = f"saga-lab.exercise{report.exercise}"
        case = Tree.SubElement(suite, "testcase", classname=place, name=row.title)
        _properties(case, points=row.points, max_points=row.max_points, verdict=row.verdict)
        if kind == "skipped":
            Tree.SubElement(case, kind, type="saga-lab", message=row.fact)
        elif kind:
            Tree.SubElement(case, kind, message=row.fact).text = row.told
    Tree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Tree.tostring(suites, encoding="unicode") + "\n"


def _kind(report: Report, row: Check) -> str:
    if row.verdict == "not run" and report.verdict == "fail":
        return "skipped"
    return {"pass": "", "fail": "failure"}.get(row.verdict, "error")


def _properties(parent: Tree.Element, **values: int | str) -> None:
    properties = Tree.SubElement(parent, "properties")
    for name, value in values.items():
        Tree.SubElement(properties, "property", name=name, value=str(value))
