"""Stacks are read from the cloud assembly and selected as in `cdk`."""

import re
from pathlib import Path

import pytest

from tools.assembly import Json, StackArtifact, construct_path, in_order, read_stacks, select
from tools.console import UserError


def stack(name: str, *dependencies: str) -> StackArtifact:
    file = f"{name}.template.json"
    return StackArtifact(name, name.lower(), None, "us-east-1", frozenset(dependencies), file)


STACKS = in_order([stack("C", "B"), stack("A"), stack("D"), stack("B", "A")])


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ({"Metadata": {"aws:cdk:path": "StorageStack/Bucket/Resource"}}, "StorageStack/Bucket"),
        (
            {"Metadata": {"aws:cdk:path": "StorageStack/Bucket/Policy"}},
            "StorageStack/Bucket/Policy",
        ),
        ({"Metadata": {}}, "BucketE3889A50"),
        (None, "BucketE3889A50"),
    ],
)
def test_construct_path_of_a_resource(resource: Json, path: str) -> None:
    template = {"Resources": {"BucketE3889A50": resource} if resource else {}}
    assert construct_path(template, "BucketE3889A50") == path


def test_account_and_region_are_read_from_the_environment_of_a_stack(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(
        '{"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": '
        '{"templateFile": "S.template.json"}, "environment": "aws://111122223333/eu-west-1"},'
        ' "T": {"type": "cdk:tree"}}}'
    )
    assert read_stacks(tmp_path) == [
        StackArtifact("S", "S", "111122223333", "eu-west-1", frozenset(), "S.template.json")
    ]


def test_stacks_are_sorted_after_their_dependencies() -> None:
    assert [s.id for s in STACKS] == ["A", "B", "C", "D"]
    assert [s.id for s in in_order([stack("A", "B"), stack("B")])] == ["B", "A"]


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
