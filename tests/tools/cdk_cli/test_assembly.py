"""Stacks are read from the cloud assembly and selected as in `cdk`."""

import json
import re
from pathlib import Path

import pytest

from tools.cdk_cli.assembly import Json, StackArtifact, read_stacks, select
from tools.errors import UserError


def stack(name: str, *dependencies: str) -> StackArtifact:
    file = f"{name}.template.json"
    return StackArtifact(
        name, f"acme-{name.lower()}", None, "us-east-1", frozenset(dependencies), file
    )


STACKS = [stack("A"), stack("B", "A"), stack("C", "B"), stack("D")]


def test_stacks_are_read_from_the_manifest_after_their_dependencies(tmp_path: Path) -> None:
    artifacts: dict[str, Json] = {"Tree": {"type": "cdk:tree"}}
    for name, dependencies in {"A": ["C", "B", "A.assets"], "B": [], "C": ["D"], "D": []}.items():
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111122223333/eu-west-1",
            "properties": {"templateFile": f"{name}.template.json"},
            "dependencies": dependencies,
        }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    stacks = read_stacks(tmp_path)
    assert [stack.id for stack in stacks] == ["B", "D", "C", "A"]
    assert stacks[-1] == StackArtifact(
        "A", "A", "111122223333", "eu-west-1", frozenset({"B", "C"}), "A.template.json"
    )


@pytest.mark.parametrize(
    ("patterns", "dependents", "chosen"),
    [
        ([], False, "ABCD"),
        (["*"], False, "ABCD"),
        (["C"], False, "ABC"),
        (["A"], False, "A"),
        (["A"], True, "ABC"),
        (["[AD]"], False, "AD"),
        (["?"], True, "ABCD"),
        (["D", "B"], False, "ABD"),
        (["acme-b"], False, "AB"),
    ],
)
def test_a_selection_includes_dependencies_or_dependents(
    patterns: list[str], *, dependents: bool, chosen: str
) -> None:
    assert "".join(s.id for s in select(STACKS, patterns, dependents=dependents)) == chosen


def test_a_pattern_that_matches_nothing_is_refused_with_the_known_stacks() -> None:
    names = ", ".join(f"{stack.id} ({stack.name})" for stack in STACKS)
    with pytest.raises(UserError, match=re.escape(f"Stack 'a' not found. Known stacks: {names}.")):
        select(STACKS, ["A", "a"])
