"""What CloudFormation may do in the target's AWS account: the policies from stacks/execution."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from stacks.core.environment import Environment
from stacks.core.rights import SNAPSHOTS, Rights, Statement, find_rights
from tools.cdk_cli.assembly import ANY_ACCOUNT, StackArtifact
from tools.console import say
from tools.deployment.deployment import Deployment
from tools.errors import UserError
from tools.execution_policy.compare import how_to_deploy, missing
from tools.project import environments

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

# IAM user guide, "IAM and AWS STS quotas": managed policies attached to a role. AWS raises it.
POLICIES = 10


def policies_for_bootstrap(deployment: Deployment, region: str) -> list[str]:
    """The ARNs of the policies with which CloudFormation deploys environments in a region.

    All environments of an account and region share CloudFormation's role. Raises `UserError` if the
    environment's policies do not exist, with the command that deploys them.
    """
    paginator = boto3.client("iam").get_paginator("list_policies")
    pages = paginator.paginate(Scope="Local", PathPrefix="/execution/")
    existing = {policy["Arn"] for page in pages for policy in page["Policies"]}
    own, account = deployment.options.environment, deployment.target.account
    found = _execution_arns(deployment, own)
    if not found or not existing.issuperset(found):
        raise UserError(
            f"The account {account} has no policy with which CloudFormation may deploy {own}: "
            f"{', '.join(found) or 'none is recorded'}. Deploy it first:\n  {how_to_deploy(own)}\n"
            "To give CloudFormation a policy of yours instead, add "
            "--cloudformation-execution-policies=ARN."
        )
    for name in _environments_in(region, account):
        arns = _execution_arns(deployment, name)
        if name != own and existing.issuperset(arns):
            found += arns
    if len(found) > POLICIES:
        raise UserError(
            f"CloudFormation's role in {region} would have {len(found)} managed policies; IAM "
            f"allows {POLICIES}. Deploy an environment to another account, or ask AWS for a higher "
            "quota and pass all ARNs, joined by commas, to --cloudformation-execution-policies:\n  "
            f"{','.join(found)}"
        )
    return found


def check_rights(deployment: Deployment) -> None:
    """Say which rights CloudFormation lacks for the environment, if they can be read.

    Raises `UserError` if a stack's roles need a boundary that does not exist.
    """
    rights = find_rights(deployment.options.environment)
    if deployment.target.kind == "local" or rights is None:
        return
    for stack in deployment.stacks:
        if stack.execution_role is None:  # a person's own credentials deploy it
            continue
        iam = deployment.deployed.session(stack.lookup_role).client("iam")
        try:
            _check_boundary(deployment, stack, iam)
            held = _held(deployment, stack, iam)
        except ClientError as error:
            say(f"Not checked what CloudFormation may do: {error}")
            return
        if held and (lacking := missing(rights, held)):
            say(
                "CloudFormation lacks rights that these stacks may need. A person deploys them "
                "first, and bootstraps again if a policy is new:\n  "
                f"{how_to_deploy(deployment.options.environment)}",
                style="yellow",
            )
            for line in lacking:
                say(f"  needs {line}")
        return


def _environments_in(region: str, account: str) -> Iterator[str]:
    """The recorded environments in a region of the account; the account may be any."""
    for name in environments():
        stacks = SNAPSHOTS / name / "stacks.json"
        settings = json.loads(stacks.read_text()) if stacks.exists() else {}
        targets = {stack["environment"] for stack in settings.values()}
        if targets & {f"aws://{owner}/{region}" for owner in (account, ANY_ACCOUNT)}:
            yield name


def _execution_arns(deployment: Deployment, name: str) -> list[str]:
    """The ARNs of an environment's recorded execution policies."""
    environment = _environment(deployment.stacks[0], name)
    recorded = find_rights(name)
    number = len(recorded["execution"]) if recorded else 0
    names = [environment.execution_policy_name(each) for each in range(1, number + 1)]
    return [_arn(deployment, each) for each in names]


def _arn(deployment: Deployment, name: str) -> str:
    return f"arn:{deployment.target.partition}:iam::{deployment.target.account}:policy/{name}"


def _check_boundary(deployment: Deployment, stack: StackArtifact, iam: "IAMClient") -> None:
    arn = _arn(deployment, _environment(stack, deployment.options.environment).boundary_name)
    needs = [
        each.id
        for each in deployment.stacks
        if arn.rpartition("/")[2] in (deployment.assembly / each.template).read_text()
    ]
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException:
        if needs:
            raise UserError(
                f"{arn} does not exist, and the roles in {', '.join(needs)} need it as their "
                "boundary. Deploy it first:\n  "
                f"{how_to_deploy(deployment.options.environment)}"
            ) from None


def _held(deployment: Deployment, stack: StackArtifact, iam: "IAMClient") -> Rights | None:
    """The rights that CloudFormation has; None if it also has others than the recorded ones."""
    assert stack.execution_role is not None
    role = stack.execution_role.replace("${AWS::AccountId}", deployment.target.account)
    attached = iam.list_attached_role_policies(RoleName=role.rpartition("/")[2])
    arns = [policy["PolicyArn"] for policy in attached["AttachedPolicies"]]
    if not all(":policy/execution/" in arn for arn in arns):
        return None
    environment = _environment(stack, deployment.options.environment)
    boundary = _statements(deployment, iam, _arn(deployment, environment.boundary_name))
    execution = [_statements(deployment, iam, arn) for arn in arns]
    return Rights(boundary=boundary, drift=[], execution=execution)


def _statements(deployment: Deployment, iam: "IAMClient", arn: str) -> list[Statement]:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    text = json.dumps(found).replace(
        f"arn:{deployment.target.partition}:", "arn:${AWS::Partition}:"
    )
    text = text.replace(deployment.target.account, "${AWS::AccountId}")
    statements: list[Statement] = json.loads(text)["Statement"]
    return statements


def _environment(stack: StackArtifact, name: str) -> Environment:
    return Environment(project=stack.tags.get("Project", Environment.project), name=name)
