"""Small stacks: in cloud assemblies that need no bootstrap, and deployed without the CDK CLI."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from tools.cdk_cli.assembly import Json
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT

REGION = "us-east-1"
TOPIC: Json = {"Type": "AWS::SNS::Topic"}


@dataclass(frozen=True)
class Stack:
    """A stack: its resources, exported values by key, dependencies and protection."""

    resources: Mapping[str, Json]
    exports: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    is_protected: bool = False


def stack_name(project: str, domain: str) -> str:
    return f"{project}-{domain}-{DEFAULT_ENVIRONMENT}"


def log_group(name: str) -> Json:
    properties = {"LogGroupName": name}
    return {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain", "Properties": properties}


def importing(export: str) -> Stack:
    """A stack that imports an export."""
    properties = {"DisplayName": {"Fn::ImportValue": export}}
    return Stack({"One": {"Type": "AWS::SNS::Topic", "Properties": properties}})


def write(folder: Path, project: str, stacks: Mapping[str, Stack]) -> Path:
    """Write an assembly with `stacks`, by domain, which is also the id."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = {}
    for domain, stack in stacks.items():
        (folder / f"{domain}.template.json").write_text(_template(project, domain, stack))
        artifacts[domain] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{REGION}",
            "dependencies": [*stack.dependencies],
            "properties": {
                "templateFile": f"{domain}.template.json",
                "stackName": stack_name(project, domain),
                "terminationProtection": stack.is_protected,
                "tags": _tags(project, domain),
            },
        }
    manifest = {"version": "36.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def create(project: str, domain: str, stack: Stack) -> str:
    """Deploy a stack as root user; return its name."""
    client = boto3.client("cloudformation")
    name = stack_name(project, domain)
    client.create_stack(
        StackName=name,
        TemplateBody=_template(project, domain, stack),
        EnableTerminationProtection=stack.is_protected,
        Tags=[{"Key": key, "Value": value} for key, value in _tags(project, domain).items()],
    )
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    return name


def status(name: str) -> str | None:
    """The status of a deployed stack, or None."""
    stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
    return next((stack["StackStatus"] for stack in stacks if stack["StackName"] == name), None)


def _template(project: str, domain: str, stack: Stack) -> str:
    outputs = {
        key: {"Value": value, "Export": {"Name": f"{stack_name(project, domain)}:{key}"}}
        for key, value in stack.exports.items()
    }
    return json.dumps({"Resources": stack.resources} | ({"Outputs": outputs} if outputs else {}))


def _tags(project: str, domain: str) -> dict[str, str]:
    return {
        "Project": project,
        "Environment": DEFAULT_ENVIRONMENT,
        "Stack": domain,
        "ManagedBy": "aws-cdk",
    }
