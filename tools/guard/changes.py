"""The differences between templates, from the library that `cdk diff` uses."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from tools.cdk_cli.assembly import Json
from tools.cdk_cli.node import NODE, install
from tools.project import ROOT

type Template = Mapping[str, Json]

PROGRAM = Path(__file__).with_suffix(".cjs")


class Permission(TypedDict):
    """One action of one principal on one resource; the condition is JSON, or "" for none."""

    effect: str
    principal: str
    action: str
    resource: str
    condition: str


class Resource(TypedDict, total=False):
    """A changed resource.

    `impact` is a ResourceImpact from @aws-cdk/cloudformation-diff, e.g. WILL_REPLACE. It does not
    consider nested properties. The permissions belong to this resource.
    """

    id: str
    type: str
    impact: str
    old: Template
    new: Template
    permissions_before: Sequence[Permission]
    permissions_after: Sequence[Permission]


class ResourceType(TypedDict):
    """What AWS's specification says about a resource type.

    `replacing` maps property paths, e.g. `GlobalSecondaryIndexes[].KeySchema`, to whether a change
    replaces the resource: "yes" or "maybe". `name` are the properties that name a resource, and
    `scope` those within whose values the name is unique.
    """

    stateful: bool
    replacing: Mapping[str, str]
    name: Sequence[str]
    scope: Sequence[str]


class Changes(TypedDict):
    """One stack's changes; `text` is what `cdk diff` prints, empty if nothing differs.

    `name` is, for example, `dev/StorageStack`. The permissions belong to all resources in the
    stack, changed or not.
    """

    name: str
    old: Template
    new: Template
    text: str
    resources: Sequence[Resource]
    permissions_before: Sequence[Permission]
    permissions_after: Sequence[Permission]


class Comparison(TypedDict):
    """All stacks' changes, and the types of all their resources."""

    stacks: Sequence[Changes]
    types: Mapping[str, ResourceType]


def compare(templates: Mapping[str, tuple[Template, Template]]) -> Comparison:
    """Each stack's changes from the old to the new template; {} means no template."""
    install(ROOT)
    pairs = [{"name": name, "old": old, "new": new} for name, (old, new) in templates.items()]
    done = subprocess.run(
        [NODE, PROGRAM],
        input=json.dumps(pairs),
        env={**os.environ, "FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    comparison: Comparison = json.loads(done.stdout)
    return comparison
