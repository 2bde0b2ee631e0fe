"""Reading a cloud assembly: which stacks `cdk synth` wrote, and which of them a person means."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tools.console import UserError

# A value of a CloudFormation template.
type Json = str | float | bool | Sequence[Json] | Mapping[str, Json] | None

ANY_ACCOUNT = "unknown-account"


def construct_path(template: Json, logical_id: str) -> str:
    """The path of the construct that a resource of a template belongs to.

    For example `StorageStack/DataBucket`: without the `/Resource` that the CDK adds for the L1
    construct within an L2 construct. The logical id for a resource that has no path, or that is
    not in the template.
    """
    value = template
    for key in ("Resources", logical_id, "Metadata", "aws:cdk:path"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value.removesuffix("/Resource") if isinstance(value, str) else logical_id


@dataclass(frozen=True)
class StackArtifact:
    """A synthesized stack, with the ids of the stacks that must be deployed before it.

    `template` is the name of a file in the cloud assembly.
    """

    id: str
    name: str
    account: str | None
    region: str
    dependencies: frozenset[str]
    template: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def read_stacks(assembly: Path) -> list[StackArtifact]:
    """The stacks of a cloud assembly, each after those that it needs.

    `manifest.json` is the format that the CDK CLI itself reads
    (aws-cdk-lib.cloud_assembly_schema).
    """
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    found = {
        key: artifact
        for key, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    stacks = []
    for key, artifact in found.items():
        account, region = artifact["environment"].removeprefix("aws://").split("/")
        stacks.append(
            StackArtifact(
                id=artifact.get("displayName", key),
                name=artifact["properties"].get("stackName", key),
                account=None if account == ANY_ACCOUNT else account,
                region=region,
                dependencies=frozenset(found.keys() & artifact.get("dependencies", [])),
                template=artifact["properties"]["templateFile"],
                tags=artifact["properties"].get("tags", {}),
            )
        )
    return in_order(stacks)


def in_order(stacks: Iterable[StackArtifact]) -> list[StackArtifact]:
    """Sort stacks by id, each after those that it needs."""
    waiting = sorted(stacks, key=lambda stack: stack.id)
    ids = {stack.id for stack in waiting}
    done: list[StackArtifact] = []
    while waiting:
        ordered = {stack.id for stack in done}
        ready = next(stack for stack in waiting if not (stack.dependencies & ids) - ordered)
        waiting.remove(ready)
        done.append(ready)
    return done


def named(stacks: Sequence[StackArtifact], patterns: Sequence[str]) -> set[str]:
    """The ids that `patterns` match, with * and ?; none means all.

    Raises `UserError` for a pattern that matches nothing.
    """
    found: set[str] = set()
    for pattern in patterns or ["*"]:
        matches = {stack.id for stack in stacks if fnmatchcase(stack.id, pattern)}
        if not matches:
            known = ", ".join(f"{stack.id} ({stack.name})" for stack in stacks)
            raise UserError(f"There is no stack {pattern!r}. The stacks are: {known}.")
        found |= matches
    return found


def select(
    stacks: Sequence[StackArtifact], patterns: Sequence[str], *, dependents: bool = False
) -> list[StackArtifact]:
    """The stacks that `patterns` mean, as in `cdk`: ids, with * and ?; none means all.

    What a chosen stack needs comes with it, as in `cdk deploy`; with `dependents` rather what needs
    a chosen stack, as in `cdk destroy`. Raises `UserError` for a pattern that matches nothing.
    """
    chosen = named(stacks, patterns)
    while more := {
        other.id
        for stack in stacks
        for other in stacks
        if stack.id in chosen
        and other.id not in chosen
        and (stack.id in other.dependencies if dependents else other.id in stack.dependencies)
    }:
        chosen |= more
    return [stack for stack in stacks if stack.id in chosen]
