"""Stacks that are deployed, but that the code no longer has."""

import json

from tools.cdk_cli.assembly import Json, StackArtifact, at, members
from tools.console import say
from tools.deployment.deployment import Deployment
from tools.deployment.next_command import next_command
from tools.errors import UserError


def show(deployment: Deployment) -> bool:
    """Name the removed stacks, each with what to do about it; return whether there is one.

    Does nothing for a command that names stacks.
    """
    stacks = [] if deployment.options.stacks else deployment.removed
    renamed = _renamed(deployment) if stacks else {}
    code = deployment.options.app or f"apps/{deployment.options.environment}/app.py"
    for stack in stacks:
        if stack in renamed:
            say(renamed[stack])
            continue
        unprotect = ["--unprotect"] if stack.is_protected else []
        say(
            f"{stack.name} is deployed, but {code} does not have it. If you removed it on purpose, "
            f"delete it. {next_command(deployment, 'destroy', *unprotect, stacks=[stack])}"
        )
    return bool(stacks)


def check_names(deployment: Deployment) -> None:
    """Raise `UserError` if a selected stack creates a resource that a removed stack holds."""
    if sentences := _renamed(deployment).values():
        raise UserError("\n".join(["Nothing was deployed.", *sentences]))


def _renamed(deployment: Deployment) -> dict[StackArtifact, str]:
    """A sentence for each removed stack that holds a resource which a selected stack creates."""
    sentences: dict[StackArtifact, str] = {}
    created = {
        (at(resource, "Type"), value): stack
        for stack in (deployment.stacks if deployment.removed else [])
        for resource in _resources(deployment, stack)
        # Each text among the properties may be the physical name.
        for value in members(resource, "Properties").values()
        if isinstance(value, str)
    }
    for old in deployment.removed:
        for resource in deployment.deployed.resources(old):
            name = resource.get("PhysicalResourceId", "")
            if new := created.get((resource["ResourceType"], name)):
                sentences[old] = (
                    f"{new.title} creates {resource['ResourceType']} {name}, which the deployed "
                    f"stack {old.name} holds. The code does not have {old.name}: did you rename "
                    "its domain? Follow docs/changing.md#rename-a-domain."
                )
    return sentences


def _resources(deployment: Deployment, stack: StackArtifact) -> list[Json]:
    template = json.loads((deployment.assembly / stack.template).read_text())
    return [*members(template, "Resources").values()]


def warn_of_another_project(deployment: Deployment) -> None:
    """Before the first deploy of a project's environment, name another project's same stacks."""
    projects = {stack.tags.get("Project") for stack in deployment.in_code}
    domains = {stack.tags.get("Stack") for stack in deployment.in_code}
    foreign = [
        stack
        for stack in deployment.others
        if stack.tags.get("Stack") in domains and stack.tags["Project"] not in projects
    ]
    if foreign and not any(deployment.deployed.find(stack) for stack in deployment.in_code):
        say(
            f"The environment {deployment.options.environment} has stacks of another project name: "
            f"{', '.join(stack.name for stack in foreign)}. This deploy builds a second system "
            f"beside it, without its data. If you changed `Environment.project`, follow "
            "docs/changing.md#change-the-project-name.",
            style="yellow",
        )
