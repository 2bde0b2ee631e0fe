"""The resource table after a deploy."""

from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say, summarize
from tools.deployment.deployed import DeployedStacks
from tools.deployment.prepare import Deployment
from tools.errors import UserError


def show(deployment: Deployment) -> None:
    """Print each stack with its status, and its resources with their physical name or ARN."""
    title = f"Environment {deployment.options.environment} ({deployment.target})"
    table = Table("Stack, resource", title=title)
    table.add_column("Status, name or ARN", overflow="fold")
    for stack in deployment.stacks:
        _add(deployment.deployed, stack, table)
    for stack, reason in deployment.left_out.items():
        table.add_row(stack.title, f"left out: {reason}", style="bold")
    say(table)
    summarize(f"### {title}", table)


def _add(deployed: DeployedStacks, stack: StackArtifact, table: Table) -> None:
    title = stack.title
    # The credentials may have expired during the deploy, or not allow the calls.
    try:
        found = deployed.find(stack)
        resources = deployed.resources(stack) if found else []
    except (UserError, BotoCoreError, ClientError):
        table.add_row(title, "not known", style="bold")
        return
    table.add_row(title, found["StackStatus"] if found else "does not exist", style="bold")
    for resource in resources:
        table.add_row(f"  {resource['ResourceType']}", resource.get("PhysicalResourceId", ""))
    table.add_section()
