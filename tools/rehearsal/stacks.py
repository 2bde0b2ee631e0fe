"""The stacks that an environment's snapshots record, each after the stacks that it imports from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from stacks.core.templates import imports
from tools.cdk_cli.assembly import ANY_ACCOUNT, at, construct_path, members
from tools.guard.resources import Template
from tools.guard.snapshots import STACKS
from tools.local_cloud.client import ACCOUNT

SUFFIX = ".template.json"


@dataclass(frozen=True)
class Stack:
    """A recorded stack. `path` is its environment and construct id: `dev/StorageStack`."""

    path: str
    name: str
    account: str
    region: str
    template: Template = field(compare=False)

    def resource(self, logical_id: str) -> str:
        """A resource's name in reports and in snapshots/acknowledged.toml, as the guard has it."""
        path = construct_path(self.template, logical_id)
        return f"{self.path}/{path.partition('/')[2] or path}"

    def exports(self) -> set[str]:
        """The names of the stack's exports."""
        return {
            str(at(output, "Export.Name")) for output in members(self.template, "Outputs").values()
        }

    def imports(self) -> set[str]:
        """The names of the exports that the stack imports."""
        return set(imports(self.template))

    def types(self) -> set[str]:
        """The types of the stack's resources."""
        return {
            str(at(resource, "Type")) for resource in members(self.template, "Resources").values()
        }


def read(files: Mapping[str, bytes]) -> list[Stack]:
    """The stacks in the files of snapshots/, which are given by path."""
    found = []
    for path in sorted(path for path in files if path.endswith(f"/{STACKS}")):
        folder = path.removesuffix(STACKS)
        for key, settings in json.loads(files[path]).items():
            account, region = settings["environment"].removeprefix("aws://").split("/")
            stack = Stack(
                path=f"{folder.split('/')[-2]}/{key}",
                name=settings["stackName"],
                account=ACCOUNT if account == ANY_ACCOUNT else account,
                region=region,
                template=json.loads(files[f"{folder}{key}{SUFFIX}"]),
            )
            found.append(stack)
    producers = {name: stack for stack in found for name in stack.exports()}
    graph = {
        stack: sorted({*map(producers.get, stack.imports())} - {None, stack}, key=str)
        for stack in found
    }
    return [stack for stack in TopologicalSorter(graph).static_order() if stack]
