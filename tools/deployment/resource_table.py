"""The resource table after a deploy."""

from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from tools.console import say, summarize
from tools.deployment.deployment import Deployment
from tools.errors import UserError


def show(deployment: Deployment) -> None:
    """Print each stack with its status, and its resources with their physical name or ARN."""
    title = f"Environment {deployment.options.environment} ({deployment.target})"
    table = Table("Stack, resource", title=title)
    table.add_column("Status, name or ARN", overflow="fold")
    for stack in deployment.stacks:
        # The credentials may have expired during the deploy, or not allow the calls.
        try:
            found = deployment.deployed.find(stack)
            resources = deployment.deployed.resources(stack) if found else []
            status: str = found["StackStatus"] if found else "does not exist"
        except (UserError, BotoCoreError, ClientError):
            status = "not known"
            resources = []
        table.add_row(stack.title, status, style="bold")
        for resource in resources:
            table.add_row(f"  {resource['ResourceType']}", resource.get("PhysicalResourceId", ""))
        table.add_section()
    for stack, reason in deployment.left_out.items():
        table.add_row(stack.title, f"left out: {reason}", style="bold")
    say(table)
    summarize(f"### {title}", table)
