"""Stacks that are deployed, but that the code no longer has."""

import json

from tools.console import say
from tools.deployment.next_command import next_command
from tools.deployment.prepare import Deployment
from tools.errors import UserError


def show(deployment: Deployment) -> bool:
    """Name the removed stacks, each with the command that deletes it; return whether there is one.

    Does nothing for a command that names stacks.
    """
    stacks = [] if deployment.options.stacks else deployment.removed
    code = deployment.options.app or f"apps/{deployment.options.environment}/app.py"
    for stack in stacks:
        say(
            f"{stack.name} is deployed, but {code} does not have it. If you removed it on purpose, "
            f"delete it. {next_command(deployment, 'destroy', stacks=[stack])}"
        )
    return bool(stacks)


def check_names(deployment: Deployment) -> None:
    """Raise `UserError` if a selected stack creates a resource that a removed stack holds."""
    held = {
        (resource["ResourceType"], resource.get("PhysicalResourceId")): old.name
        for old in deployment.removed
        for resource in deployment.deployed.resources(old)
    }
    for stack in deployment.stacks if held else []:
        template = json.loads((deployment.assembly / stack.template).read_text())
        for resource in template.get("Resources", {}).values():
            for (kind, name), old in held.items():
                # Each text among the properties may be the physical name.
                if kind == resource["Type"] and name in resource.get("Properties", {}).values():
                    raise UserError(
                        f"{stack.title} creates {kind} {name}, which the deployed stack {old} "
                        f"holds. The code does not have {old}: did you rename its domain? "
                        "Nothing was done. Follow docs/changing.md#rename-a-domain."
                    )


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
