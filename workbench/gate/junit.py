"""A judgement as JUnit XML, which CI servers read: a test case for each rule and candidate.

A rule that fails is a `failure`, one that is undecided is `skipped`, each with its reason. Text of rules and names is
escaped by the XML writer, and signs that XML cannot hold are written out by their number. It judges nothing.
"""

from datetime import UTC, datetime
from xml.etree import ElementTree

from workbench.compare.signs import written_out
from workbench.gate.judging import Held, Judgement
from workbench.gate.words import summary


def as_junit(judgement: Judgement) -> bytes:
    """The whole document, in UTF-8."""
    counts = {
        "tests": str(len(judgement.held)),
        "failures": str(judgement.count("fail")),
        "errors": "0",
        "skipped": str(judgement.count("undecided")),
    }
    root = ElementTree.Element("testsuites", {"name": "workbench gate", **counts})
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": "workbench gate",
            **counts,
            "time": "0",
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        },
    )
    for one in judgement.held:
        _case(suite, one)
    if judgement.notes:
        ElementTree.SubElement(suite, "system-out").text = written_out("\n".join(judgement.notes))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: ElementTree.Element, one: Held) -> None:
    # Servers take the last point of a class name for the end of a package.
    owner = written_out(one.candidate).replace(".", "_").replace("/", ".")
    case = ElementTree.SubElement(
        suite, "testcase", {"classname": owner, "name": _line(one.rule), "time": "0"}
    )
    message = _line("; ".join(filter(None, [summary(one), one.reason])))
    if one.verdict == "fail":
        failure = ElementTree.SubElement(case, "failure", {"type": "limit", "message": message})
        failure.text = _all(one)
        return
    if one.verdict == "undecided":
        ElementTree.SubElement(case, "skipped", {"message": message})
    ElementTree.SubElement(case, "system-out").text = _all(one)


def _all(one: Held) -> str:
    against = f" against {one.baseline}" if one.baseline else ""
    lines = [
        f"{one.verdict}: {one.rule}",
        f"{one.candidate}{against}",
        f"{summary(one)}, n {one.found.n}",
        one.reason,
        one.found.method,
    ]
    return written_out("\n".join(filter(None, lines)))


def _line(text: str) -> str:
    return " ".join(written_out(text).split())
