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

    `impact` is a ResourceImpact from @aws-cdk/cloudformation-diff, e.g. WILL_REPLACE, and `causes`
    are the name, old and new value of properties that replace the resource. `identifiers` are sets
    of properties: the values of one set name one resource. The permissions belong to this resource.
    """

    id: str
    type: str
    stateful: bool
    identifiers: Sequence[Sequence[str]]
    impact: str
    old: Template
    new: Template
    causes: Sequence[tuple[str, Json, Json]]
    permissions_before: Sequence[Permission]
    permissions_after: Sequence[Permission]


class Changes(TypedDict):
    """One stack's changes; `text` is what `cdk diff` prints, empty if nothing differs.

    The permissions belong to all resources in the stack, changed or not.
    """

    name: str
    old: Template
    new: Template
    text: str
    resources: Sequence[Resource]
    permissions_before: Sequence[Permission]
    permissions_after: Sequence[Permission]


def compare(templates: Mapping[str, tuple[Template, Template]]) -> list[Changes]:
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
    changes: list[Changes] = json.loads(done.stdout)
    return changes
