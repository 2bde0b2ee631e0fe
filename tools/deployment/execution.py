"""What CloudFormation may do in the target's AWS account: the policies from stacks/execution."""

import json
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from stacks.core.environment import Environment
from stacks.core.rights import SNAPSHOTS, Rights, Statement, find_rights
from tools.cdk_cli.assembly import StackArtifact
from tools.console import say
from tools.deployment.deployment import Deployment
from tools.errors import UserError
from tools.execution_policy.compare import how_to_deploy, missing
from tools.project import environments

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


def policies_for_bootstrap(deployment: Deployment, region: str) -> list[str]:
    """The ARNs of the policies with which CloudFormation deploys environments in a region.

    All environments of an account and region share CloudFormation's role. Raises `UserError` if the
    environment's policies do not exist, with the command that deploys them.
    """
    pages = boto3.client("iam").get_paginator("list_policies")
    found = pages.paginate(Scope="Local", PathPrefix="/execution/")
    existing = {policy["Arn"] for page in found for policy in page["Policies"]}
    own = deployment.options.environment
    _, *arns = _recorded_arns(deployment, own)
    if not arns or not existing.issuperset(arns):
        raise UserError(
            f"The account {deployment.target.account} has no policy with which CloudFormation may "
            f"deploy {own}: {', '.join(arns) or 'none is recorded'}. Deploy it first:\n"
            f"  {how_to_deploy(own)}\n"
            "To give CloudFormation a policy of yours instead, add "
            "--cloudformation-execution-policies=ARN."
        )
    for name in environments():
        _, *others = _recorded_arns(deployment, name)
        if name != own and _is_in_region(name, region) and existing.issuperset(others):
            arns += others
    return arns


def check_rights(deployment: Deployment) -> None:
    """Say which rights CloudFormation lacks for the environment, if they can be read.

    Raises `UserError` if a stack's roles need a boundary that does not exist.
    """
    needed = find_rights(deployment.options.environment)
    # A person's own credentials deploy a stack without the bootstrap's role.
    stack = next((stack for stack in deployment.stacks if stack.execution_role), None)
    if deployment.target.kind == "local" or needed is None or stack is None:
        return
    iam = deployment.deployed.session(stack.lookup_role).client("iam")
    try:
        held = _held(deployment, stack, iam)
    except ClientError as error:
        say(f"Not checked what CloudFormation may do: {error}")
        return
    if held and (lacking := missing(needed, held)):
        say(
            "CloudFormation lacks rights that these stacks may need. A person deploys them first, "
            "and bootstraps again if a policy is new:\n"
            f"  {how_to_deploy(deployment.options.environment)}",
            style="yellow",
        )
        for line in lacking:
            say(f"  needs {line}")


def _is_in_region(name: str, region: str) -> bool:
    """Whether the record of an environment has a stack in a region, of any account."""
    file = SNAPSHOTS / name / "stacks.json"
    return file.exists() and f'/{region}"' in file.read_text()


def _recorded_arns(deployment: Deployment, name: str) -> list[str]:
    """The ARNs of an environment's boundary and of its recorded execution policies."""
    project = deployment.stacks[0].tags.get("Project", Environment.project)
    environment = Environment(project=project, name=name)
    rights = find_rights(name)
    number = len(rights["execution"]) if rights else 0
    policies = [environment.execution_policy_name(each) for each in range(1, number + 1)]
    start = f"arn:{deployment.target.partition}:iam::{deployment.target.account}:policy"
    return [f"{start}/{policy}" for policy in (environment.boundary_name, *policies)]


def _held(deployment: Deployment, stack: StackArtifact, iam: "IAMClient") -> Rights | None:
    """The rights that CloudFormation has; None if they are not only the recorded policies."""
    boundary, *_ = _recorded_arns(deployment, deployment.options.environment)
    try:
        of_roles = _statements(deployment, iam, boundary)
    except iam.exceptions.NoSuchEntityException:
        _check_without(deployment, boundary)
        return None
    role = str(stack.execution_role).replace("${AWS::AccountId}", deployment.target.account)
    attached = iam.list_attached_role_policies(RoleName=role.rpartition("/")[2])
    arns = [policy["PolicyArn"] for policy in attached["AttachedPolicies"]]
    if not all(":policy/execution/" in arn for arn in arns):
        return None
    execution = [_statements(deployment, iam, arn) for arn in arns]
    return Rights(boundary=of_roles, drift=[], execution=execution)


def _check_without(deployment: Deployment, boundary: str) -> None:
    """Raise `UserError` if a stack's roles need a boundary that does not exist."""
    name = boundary.rpartition("/")[2]
    needs = [
        stack.id
        for stack in deployment.stacks
        if name in (deployment.assembly / stack.template).read_text()
    ]
    if needs:
        raise UserError(
            f"{boundary} does not exist, and the roles in {', '.join(needs)} need it as their "
            f"boundary. Deploy it first:\n  {how_to_deploy(deployment.options.environment)}"
        )


def _statements(deployment: Deployment, iam: "IAMClient", arn: str) -> list[Statement]:
    """A policy's statements, with pseudo parameters as in the record."""
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    text = json.dumps(found).replace(deployment.target.account, "${AWS::AccountId}")
    text = text.replace(f"arn:{deployment.target.partition}:", "arn:${AWS::Partition}:")
    statements: list[Statement] = json.loads(text)["Statement"]
    return statements
