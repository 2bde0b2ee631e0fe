"""The differences between templates, from the library that `cdk diff` uses."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from tools.assembly import Json
from tools.node import NODE, install
from tools.project import ROOT

type Template = Mapping[str, Json]

PROGRAM = Path(__file__).with_suffix(".cjs")


class Property(TypedDict, total=False):
    """A property that differs. A new property has no `old` value, a removed one no `new` value."""

    name: str
    old: Json
    new: Json
    impact: str


Targets = TypedDict("Targets", {"values": Sequence[str], "not": bool})


class Statement(TypedDict, total=False):
    """A statement of an IAM policy, with the principal or resource that the policy belongs to."""

    effect: Literal["Allow", "Deny", "Unknown"]
    principals: Targets
    actions: Targets
    resources: Targets
    condition: Json


class Attachment(TypedDict):
    """A managed policy that is attached to an identity."""

    identityArn: str
    managedPolicyArn: str


class Resource(TypedDict, total=False):
    """A resource that differs.

    `impact` is a ResourceImpact of @aws-cdk/cloudformation-diff, e.g. WILL_REPLACE. `identifiers`
    are sets of properties: the values of one set name one resource.
    """

    id: str
    type: str
    stateful: bool
    identifiers: Sequence[Sequence[str]]
    impact: str
    old: Template
    new: Template
    properties: Sequence[Property]
    added: Sequence[Statement]
    removed: Sequence[Statement]
    attached: Sequence[Attachment]


class Changes(TypedDict):
    """The changes of one stack; `text` is the output of `cdk diff`, empty if nothing differs."""

    name: str
    old: Template
    new: Template
    text: str
    resources: Sequence[Resource]


def compare(templates: Mapping[str, tuple[Template, Template]]) -> list[Changes]:
    """The changes from the old to the new template of each stack; {} is a stack without one."""
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
