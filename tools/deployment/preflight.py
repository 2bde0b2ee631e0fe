"""Preflight checks of a deploy: bootstrap, and resources that exist outside their stack."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import boto3
from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say
from tools.deployment.operation import Operation
from tools.errors import UserError
from tools.local_cloud.folder import how_to_empty

ADOPT = "--import-existing-resources"
_MISSING = ("404", "ResourceNotFoundException", "RepositoryNotFoundException")


class NamedResource(NamedTuple):
    """A resource with a physical name in the template."""

    kind: str
    name: str


def find_unbootstrapped(op: Operation) -> list[StackArtifact]:
    """One stack of each region that is not bootstrapped.

    Reads the SSM parameter that `cdk deploy` reads, so any qualifier, toolkit stack or bootstrap
    template works. Skips the check if the principal has no permission to read the parameter.
    """
    regions = {stack.region: stack for stack in op.stacks if stack.version_parameter}
    return [stack for stack in regions.values() if not _is_bootstrapped(op, stack)]


def refuse_existing(op: Operation, stack: StackArtifact) -> None:
    """Raise `UserError` if a named resource of a new stack exists already.

    Without this check, CloudFormation fails during the deploy.
    """
    session = op.session(stack.lookup_role)
    for resource in named_resources(op, stack):
        kind, name = resource
        try:
            _EXISTS.get(kind, _exists)(session, stack.region, resource)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                say(f"Not checked whether {kind} {name} exists already: {error}")
            continue
        found = (
            f"{kind} {name} already exists, so the stack {stack.name} cannot create it. A destroy "
            "and a failed deploy retain such resources."
        )
        if op.target.kind == "local":
            found += f" The local cloud cannot adopt the resource. {how_to_empty()}"
        else:
            found += f" Adopt the resource. {op.again(ADOPT)}"
        raise UserError(found)


def named_resources(op: Operation, stack: StackArtifact) -> Iterator[NamedResource]:
    """The retained resources with a physical name in the template.

    The schema of the resource type (CloudFormation registry) lists the identifying properties.
    """
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # takes a second

    template = json.loads((op.assembly / stack.template).read_text())
    for resource in template["Resources"].values():
        if not str(resource.get("DeletionPolicy", "")).startswith("Retain"):
            continue
        kind = resource["Type"]
        try:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(stack.region, kind).schema
        except ResourceNotFoundError:
            say(f"Not checked whether {kind} exists already: cfn-lint has no schema of the type.")
            continue
        keys = [path.rpartition("/")[2] for path in schema.get("primaryIdentifier", [])]
        values = [resource.get("Properties", {}).get(key) for key in keys]
        if values and all(isinstance(value, str) for value in values):
            yield NamedResource(kind, "|".join(values))


def _is_bootstrapped(op: Operation, stack: StackArtifact) -> bool:
    assert stack.version_parameter is not None
    ssm = op.session(stack.lookup_role).client("ssm", region_name=stack.region)
    try:
        ssm.get_parameter(Name=stack.version_parameter)
    except ssm.exceptions.ParameterNotFound:
        return False
    except ClientError as error:
        say(f"Not checked whether {stack.region} is bootstrapped: {error}")
    return True


def _exists(session: boto3.Session, region: str, resource: NamedResource) -> object:
    control = session.client("cloudcontrol", region_name=region)
    return control.get_resource(TypeName=resource.kind, Identifier=resource.name)


def _bucket_exists(session: boto3.Session, region: str, resource: NamedResource) -> object:
    s3 = session.client("s3", region_name=region)
    try:
        return s3.head_bucket(Bucket=resource.name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "403":
            raise
    # S3 returns 403 for a bucket of another account, and to a principal without s3:ListBucket.
    names = [bucket["Name"] for bucket in s3.list_buckets(Prefix=resource.name)["Buckets"]]
    if resource.name not in names:
        raise UserError(
            f"The bucket {resource.name} belongs to another AWS account, and bucket names are "
            "unique across all accounts. Choose another default of `Environment.project` in "
            "stacks/core/environment.py."
        )
    return names


def _repository_exists(session: boto3.Session, region: str, resource: NamedResource) -> object:
    ecr = session.client("ecr", region_name=region)
    return ecr.describe_repositories(repositoryNames=[resource.name])


def _table_exists(session: boto3.Session, region: str, resource: NamedResource) -> object:
    return session.client("dynamodb", region_name=region).describe_table(TableName=resource.name)


def _log_group_exists(session: boto3.Session, region: str, resource: NamedResource) -> object:
    logs = session.client("logs", region_name=region)
    return logs.describe_log_streams(logGroupName=resource.name, limit=1)


# Calls of the services that store data. These calls need fewer permissions than Cloud Control, and
# Cloud Control of the local cloud finds only resources that Cloud Control has created. Each
# function raises `ClientError` if the resource does not exist.
_EXISTS: Mapping[str, Callable[[boto3.Session, str, NamedResource], object]] = {
    "AWS::DynamoDB::GlobalTable": _table_exists,
    "AWS::DynamoDB::Table": _table_exists,
    "AWS::ECR::Repository": _repository_exists,
    "AWS::Logs::LogGroup": _log_group_exists,
    "AWS::S3::Bucket": _bucket_exists,
}
