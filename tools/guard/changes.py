"""What differs between two templates, in the words of the CDK's own comparison."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from tools.assembly import Json
from tools.node import NODE, install
from tools.project import ROOT

type Template = Mapping[str, Json]

PROGRAM = Path(__file__).with_suffix(".cjs")


class Difference(TypedDict, total=False):
    """A property or an output; without `old` it is new, without `new` it is gone."""

    name: str
    old: Json
    new: Json
    impact: str


class Resource(TypedDict, total=False):
    """A resource that differs: as it was and will be, and what CloudFormation will do to it.

    `impact` is a ResourceImpact of @aws-cdk/cloudformation-diff, e.g. WILL_REPLACE.
    """

    id: str
    type: str
    stateful: bool
    impact: str
    old: Template
    new: Template
    properties: Sequence[Difference]


Targets = TypedDict("Targets", {"values": Sequence[str], "not": bool})


class Statement(TypedDict, total=False):
    """A statement of an IAM policy, with what it leaves open filled in: who, or on what."""

    effect: Literal["Allow", "Deny", "Unknown"]
    principals: Targets
    actions: Targets
    resources: Targets
    condition: Json


class Attachment(TypedDict):
    """A policy that is managed elsewhere, attached to an identity."""

    identityArn: str
    managedPolicyArn: str


class Changes(TypedDict):
    """What differs in the template of one stack.

    `others` names what differs besides, unless the stack itself is new or gone. `added` and
    `removed` are statements of policies, `attached` the policies that were not so before.
    """

    name: str
    resources: Sequence[Resource]
    outputs: Sequence[Difference]
    others: Sequence[str]
    added: Sequence[Statement]
    removed: Sequence[Statement]
    attached: Sequence[Attachment]


def compare(templates: Mapping[str, tuple[Template, Template]]) -> list[Changes]:
    """The changes from the first to the second template of each name; {} where there is none."""
    install(ROOT)
    pairs = [{"name": name, "old": old, "new": new} for name, (old, new) in templates.items()]
    done = subprocess.run(
        [NODE, PROGRAM], input=json.dumps(pairs), stdout=subprocess.PIPE, text=True, check=True
    )
    changes: list[Changes] = json.loads(done.stdout)
    return changes
