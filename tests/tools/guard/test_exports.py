"""Destructive changes to exports, and imports that no stack exports."""

from collections.abc import Mapping

import pytest

from tests.tools.guard.templates import Found, Stacks, destructive, resource
from tools.cdk_cli.assembly import Json
from tools.guard.checks import text
from tools.guard.resources import Template

OTHER: Json = {"Ref": "Item"}
REFERENCES: tuple[Json, ...] = (
    {"Ref": "It"},
    {"Fn::GetAtt": ["It", "Arn"]},
    {"Fn::GetAtt": "It.Arn"},
    {"Fn::Join": ["", ["a", {"Fn::Sub": "${It}"}]]},
)
RECIPE = "docs/changing.md#remove-an-export"
MAY = (
    "A stack outside this repository may import it too, and CloudFormation does not remove an "
    f"export that a stack imports: {RECIPE}"
)
DANGLING = (
    "which no stack of this environment exports: the deploy fails unless a stack outside this "
    "repository exports it"
)
MOVES = f"moves from dev/A to dev/B, which fails while the first stack exports it: {RECIPE}"


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


def importing(*names: str) -> Template:
    values: Json = [{"Fn::ImportValue": name} for name in names]
    return {"Resources": {"It": resource("SSM::Parameter", Value=values)}}


# Each stack's templates before and after a change, and what is found.
CASES: dict[str, tuple[Stacks, Found]] = {
    "add": ({"dev/A": (exporting(a="1"), exporting(a="1", b="2"))}, {}),
    "change": (
        {"dev/A": (exporting(a="1"), exporting(a="2"))},
        {"a": ['changes from "1" to "2"']},
    ),
    "remove what nothing imports": (
        {"dev/A": (exporting(a="1", b="2"), exporting(b="2"))},
        {"a": [f"is no longer exported. Recorded importers: none. {MAY}"]},
    ),
    "remove what other stacks import": (
        {
            "dev/A": (exporting(a="1"), exporting()),
            "dev/B": (importing("a"), importing("a")),
            "dev/C": (importing("a"), importing()),
            "prod/D": ({}, importing("a")),
            "dev/E": (importing("ab"), importing("ab")),
        },
        {
            "a": [f"is no longer exported. Recorded importers: dev/B, dev/C, prod/D. {MAY}"],
            "prod/D": [f"imports a, {DANGLING}"],
        },
    ),
    "move": (
        {
            "dev/A": (exporting(a="1"), exporting()),
            "dev/B": (exporting(), exporting(a="1")),
        },
        {
            "a": [MOVES],
        },
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
    "import what is exported": (
        {"dev/A": (exporting(a="1"), exporting(a="1")), "dev/B": ({}, importing("a"))},
        {},
    ),
    "import what a new stack exports": (
        {"dev/A": ({}, exporting(a="1")), "dev/B": ({}, importing("a"))},
        {},
    ),
    "import what another environment exports": (
        {"dev/A": ({}, exporting(a="1")), "prod/B": ({}, importing("a"))},
        {"prod/B": [f"imports a, {DANGLING}"]},
    ),
    "import what nothing exports": (
        {"dev/B": (importing(), importing("b", "a"))},
        {"dev/B": [f"imports a, {DANGLING}", f"imports b, {DANGLING}"]},
    ),
    "still import what nothing exports": (
        {"dev/B": (importing("a"), importing("a"))},
        {},
    ),
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Found]:
    """The destructive changes of all cases, by name."""
    return destructive({name: stacks for name, (stacks, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_changes_to_exports_and_imports(name: str, found: Mapping[str, Found]) -> None:
    assert found[name] == CASES[name][1]
