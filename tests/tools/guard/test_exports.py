"""Destructive changes to exports."""

from collections.abc import Mapping

import pytest

from tests.tools.guard.templates import Found, Stacks, compare_all, destructive, resource
from tools.cdk_cli.assembly import Json
from tools.guard.changes import Template
from tools.guard.checks import text

OTHER: Json = {"Ref": "Item"}
REFERENCES: tuple[Json, ...] = (
    {"Ref": "It"},
    {"Fn::GetAtt": ["It", "Arn"]},
    {"Fn::GetAtt": "It.Arn"},
    {"Fn::Join": ["", ["a", {"Fn::Sub": "${It}"}]]},
)


def exporting(path: str = "/", condition: str = "", /, **values: Json) -> Template:
    """A template with a role, these exports, and an output that is not exported."""
    outputs: dict[str, Json] = {"Output": {"Value": str(values)}}
    exists = {"Condition": "OnlyIf"} if condition else {}
    for key, value in values.items():
        outputs[key] = {"Value": value, "Export": {"Name": key}, **exists}
    return {
        "Resources": {"It": resource("IAM::Role", Path=path)},
        "Conditions": {"OnlyIf": {"Ref": condition}},
        "Outputs": outputs,
    }


# Each stack's templates before and after a change, and what is found.
CASES: dict[str, tuple[Stacks, Found]] = {
    "add": ({"dev/A": (exporting(a="1"), exporting(a="1", b="2"))}, {}),
    "change": (
        {"dev/A": (exporting(a="1"), exporting(a="2"))},
        {"a": ['changes from "1" to "2"']},
    ),
    "remove what nothing imports": (
        {"dev/A": (exporting(a="1", b="2"), exporting(b="2"))},
        {"a": ["is no longer exported"]},
    ),
    "add a condition": (
        {"dev/A": (exporting(a="1"), exporting("/", "Prod", a="1"))},
        {"a": ['is exported only if {"Ref": "Prod"}']},
    ),
    "keep a condition": (
        {"dev/A": (exporting("/", "Prod", a="1"), exporting("/", "Prod", a="1", b="2"))},
        {},
    ),
    "remove a condition": (
        {"dev/A": (exporting("/", "Prod", a="1"), exporting(a="1"))},
        {},
    ),
    "replace another resource": (
        {"dev/A": (exporting(a=OTHER), exporting("/b/", a=OTHER))},
        {},
    ),
    **{
        f"replace {text(reference)}": (
            {"dev/A": (exporting(a=reference), exporting("/b/", a=reference))},
            {"a": ["changes, because It is replaced"]},
        )
        for reference in REFERENCES
    },
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Found]:
    """The destructive changes of all cases, by name."""
    cases = compare_all({name: stacks for name, (stacks, _) in CASES.items()})
    return {name: destructive(comparison) for name, comparison in cases.items()}


@pytest.mark.parametrize("name", CASES)
def test_changes_to_exports(name: str, found: Mapping[str, Found]) -> None:
    assert found[name] == CASES[name][1]
