"""Read a cloud assembly's stacks, and select stacks by their ids or CloudFormation names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path

from tools.errors import UserError

# A value in a CloudFormation template.
type Json = str | float | bool | Sequence[Json] | Mapping[str, Json] | None

ANY_ACCOUNT = "unknown-account"


def at(value: Json, path: str) -> Json:
    """The value at a path (keys joined by dots), or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def members(value: Json, section: str) -> Mapping[str, Json]:
    """A section of a template, or a resource's properties, by key; {} without that section."""
    found = at(value, section)
    return found if isinstance(found, Mapping) else {}


def as_list(value: Json) -> list[Json]:
    """A value as a list: policies allow a list, or its only element."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def construct_path(template: Json, logical_id: str) -> str:
    """A resource's construct path, for example `StorageStack/DataBucket`.

    Omits the `/Resource` that the CDK adds for the L1 construct within an L2 construct. Returns the
    logical id if the template has no path for the resource.
    """
    path = at(template, f"Resources.{logical_id}.Metadata.aws:cdk:path")
    return path.removesuffix("/Resource") if isinstance(path, str) else logical_id


@dataclass(frozen=True)
class StackArtifact:
    """A synthesized stack, with the stack ids that must be deployed before it.

    `template` is a file name in the cloud assembly. The roles are the ARNs of CDK bootstrap roles;
    CloudFormation itself acts as `execution_role`. `version_parameter` is the bootstrap's SSM
    parameter.
    """

    id: str
    name: str
    account: str | None
    region: str
    dependencies: frozenset[str]
    template: str
    is_protected: bool = False
    lookup_role: str | None = None
    deploy_role: str | None = None
    execution_role: str | None = None
    version_parameter: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """The id and the CloudFormation name, for messages."""
        return self.name if self.id == self.name else f"{self.id} ({self.name})"


def read_stacks(assembly: Path) -> list[StackArtifact]:
    """A cloud assembly's stacks, each after its dependencies.

    aws-cdk-lib.cloud_assembly_schema defines the `manifest.json` format.
    """
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    found = {
        key: artifact
        for key, artifact in sorted(artifacts.items())
        if artifact["type"] == "aws:cloudformation:stack"
    }
    stacks = {}
    for key, artifact in found.items():
        account, region = artifact["environment"].removeprefix("aws://").split("/")
        properties = artifact["properties"]
        stacks[key] = StackArtifact(
            id=key,
            name=properties.get("stackName", key),
            account=None if account == ANY_ACCOUNT else account,
            region=region,
            dependencies=frozenset(found.keys() & artifact.get("dependencies", [])),
            template=properties["templateFile"],
            is_protected=properties.get("terminationProtection", False),
            lookup_role=properties.get("lookupRole", {}).get("arn"),
            deploy_role=properties.get("assumeRoleArn"),
            execution_role=properties.get("cloudFormationExecutionRoleArn"),
            version_parameter=properties.get("bootstrapStackVersionSsmParameter"),
            tags=properties.get("tags", {}),
        )
    # A set has another order in each process.
    graph = {key: sorted(stack.dependencies) for key, stack in stacks.items()}
    return [stacks[key] for key in TopologicalSorter(graph).static_order()]


def matching_ids(
    stacks: Sequence[StackArtifact],
    patterns: Sequence[str],
    also_known: Sequence[StackArtifact] = (),
) -> set[str]:
    """The ids of the stacks whose id or name matches one of `patterns`. No pattern means all.

    * and ? are wildcards. Raises `UserError` for a pattern that matches nothing; it lists `stacks`
    and `also_known`.
    """
    found: set[str] = set()
    for pattern in patterns or ["*"]:
        matches = {
            stack.id
            for stack in stacks
            if fnmatchcase(stack.id, pattern) or fnmatchcase(stack.name, pattern)
        }
        if not matches:
            known = ", ".join(dict.fromkeys(stack.title for stack in (*stacks, *also_known)))
            raise UserError(f"Stack {pattern!r} not found. Known stacks: {known}.")
        found |= matches
    return found


def select(
    stacks: Sequence[StackArtifact], patterns: Sequence[str], *, dependents: bool = False
) -> list[StackArtifact]:
    """The stacks that `patterns` match and their dependencies, as in `cdk deploy`.

    With `dependents`, returns the matched stacks and the stacks that depend on them, as in
    `cdk destroy`. No pattern means all. Each of `stacks` must come after its dependencies. Raises
    `UserError` for a pattern that matches nothing.
    """
    chosen = matching_ids(stacks, patterns)
    if dependents:
        for stack in stacks:
            if stack.dependencies & chosen:
                chosen.add(stack.id)
    else:
        for stack in reversed(stacks):
            if stack.id in chosen:
                chosen |= stack.dependencies
    return [stack for stack in stacks if stack.id in chosen]
