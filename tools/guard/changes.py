"""What each stack changes, from the library that `cdk diff` uses."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cdk_cli.assembly import at, members
from tools.cdk_cli.node import NODE, install
from tools.guard.resources import Permission, Resource, ResourceType, Template
from tools.project import ROOT

PROGRAM = Path(__file__).with_suffix(".cjs")


@dataclass(frozen=True)
class Change:
    """What changes in one stack, for example `dev/StorageStack`.

    `text` is what `cdk diff` prints, empty if nothing differs. `impacts` maps the logical ids of
    changed resources to a ResourceImpact from @aws-cdk/cloudformation-diff, e.g. WILL_REPLACE; it
    does not consider nested properties. `before` and `after` are all resources, by logical id.
    """

    stack: str
    old: Template
    new: Template
    text: str
    impacts: Mapping[str, str]
    before: Mapping[str, Resource]
    after: Mapping[str, Resource]

    @property
    def environment(self) -> str:
        """The environment's name, for example `dev`."""
        return self.stack.partition("/")[0]

    @property
    def added(self) -> list[Resource]:
        """The resources that only the new template has."""
        return [self.after[key] for key in self.after if key not in self.before]

    @property
    def removed(self) -> list[Resource]:
        """The resources that only the old template has."""
        return [self.before[key] for key in self.before if key not in self.after]

    @property
    def kept(self) -> list[tuple[Resource, Resource]]:
        """The resources that both templates have, before and after the change."""
        return [(self.before[key], self.after[key]) for key in self.before if key in self.after]


def compare(templates: Mapping[str, tuple[Template, Template]]) -> list[Change]:
    """Each stack's change from the old to the new template."""
    install(ROOT)
    pairs = [{"old": old, "new": new} for old, new in templates.values()]
    done = subprocess.run(
        [NODE, PROGRAM],
        input=json.dumps(pairs),
        env={**os.environ, "FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return [
        Change(
            stack=path,
            old=old,
            new=new,
            text=stack["text"],
            impacts=stack["impacts"],
            before=_resources(path, old, found["types"], stack["before"]),
            after=_resources(path, new, found["types"], stack["after"]),
        )
        for stack, (path, (old, new)) in zip(found["stacks"], templates.items(), strict=True)
    ]


def _resources(
    stack: str,
    template: Template,
    types: Mapping[str, ResourceType],
    permissions: Mapping[str, Sequence[Permission]],
) -> dict[str, Resource]:
    return {
        key: Resource(stack, key, template, types[str(at(body, "Type"))], permissions[key])
        for key, body in members(template, "Resources").items()
    }
