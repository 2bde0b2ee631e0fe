"""Changes by hand to what was deployed, and how `drift` must name each."""

import json
from collections.abc import Callable
from random import Random

import boto3

from tests.faults.ground import BUCKET, REPOSITORY
from tests.faults.round import FaultError, Round
from tools.local_cloud.client import local_cloud

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANYBODY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
PRINCIPAL = "/AssumeRolePolicyDocument/Statement/0/Principal"
DESCRIPTION = "Runs every Wealth-Ops Lambda function"


def tamper(round_: Round, random: Random, assembly: str) -> str:
    """Change one thing, and see that `drift` names it; where the emulator cannot, that it ends."""
    del assembly
    what = random.choice(sorted(TAMPERINGS))
    change, line = TAMPERINGS[what]
    with local_cloud(round_.cloud) as running, running.entered():
        change()
        status, said = round_.run("drift", "plain")
    if line is None and status:
        raise FaultError(f"drift after {what} ended with {status}:\n{said}")
    if line is not None and (not status or line not in said.splitlines()):
        raise FaultError(f"drift after {what} ended with {status}, without {line!r}:\n{said}")
    return what if line else f"{what} (MiniStack reports none)"


def _suspend_versioning() -> None:
    boto3.client("s3").put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
    )


def _policy(beginning: str) -> str:
    policies = boto3.client("iam").list_policies(Scope="Local")["Policies"]
    return next(p["Arn"] for p in policies if f"-{beginning}" in p["PolicyName"])


def _role(beginning: str) -> str:
    roles = boto3.client("iam").list_roles()["Roles"]
    return next(r["RoleName"] for r in roles if f"-{beginning}" in r["RoleName"])


def _widen_policy() -> None:
    boto3.client("iam").create_policy_version(
        PolicyArn=_policy("LambdaExecutionRolePolicy"),
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]}),
        SetAsDefault=True,
    )


def _widen_trust() -> None:
    boto3.client("iam").update_assume_role_policy(
        RoleName=_role("FargateTaskRole"),
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [ANYBODY]}),
    )


def _describe_role() -> None:
    boto3.client("iam").update_role(
        RoleName=_role("LambdaExecutionRole"), Description="Runs anything"
    )


def _delete_role() -> None:
    iam = boto3.client("iam")
    role = _role("LambdaExecutionRole")
    iam.detach_role_policy(RoleName=role, PolicyArn=_policy("LambdaExecutionRolePolicy"))
    iam.delete_role(RoleName=role)


# What was done by hand, and the line of `drift`; none where MiniStack does not compare that.
TAMPERINGS: dict[str, tuple[Callable[[], object], str | None]] = {
    "versioning suspended": (
        _suspend_versioning,
        "StorageStack DataBucket /VersioningConfiguration/Status: Enabled -> Suspended",
    ),
    "trust widened": (
        _widen_trust,
        f"IdentityStack FargateTaskRole {PRINCIPAL}/AWS: null -> *",
    ),
    "role described anew": (
        _describe_role,
        f"IdentityStack LambdaExecutionRole /Description: {DESCRIPTION} -> Runs anything",
    ),
    "role deleted": (_delete_role, "IdentityStack LambdaExecutionRole: deleted"),
    "policy widened": (_widen_policy, None),
    "lifecycle removed": (lambda: boto3.client("s3").delete_bucket_lifecycle(Bucket=BUCKET), None),
    "public access block removed": (
        lambda: boto3.client("s3").delete_public_access_block(Bucket=BUCKET),
        None,
    ),
    "bucket policy removed": (lambda: boto3.client("s3").delete_bucket_policy(Bucket=BUCKET), None),
    "repository made mutable": (
        lambda: boto3.client("ecr").put_image_tag_mutability(
            repositoryName=REPOSITORY, imageTagMutability="MUTABLE"
        ),
        None,
    ),
}
