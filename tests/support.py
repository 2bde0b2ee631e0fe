"""Helpers for tests: an environment, an app, git, a local cloud, an image and credentials.

Tests of the tools import this module too, so its import does not load the CDK.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from stacks.core.environment import Environment
from tools.local_cloud.client import ACCOUNT, REGION, LocalCloud
from tools.variables import replaced_variables

if TYPE_CHECKING:
    import aws_cdk as cdk
    import pytest

# Every setting differs from the default, so tests cannot depend on the name of the project or
# environment.
ENVIRONMENT = Environment(
    project="acme", name="test", region="eu-central-1", account="111122223333"
)

# The properties that the local cloud does not apply (tests/cloud), and the sentence in
# docs/local-cloud.md (tests/apps). Change both together.
NOT_APPLIED = {"bucket LifecycleConfiguration", "bucket Tags"}
NOT_APPLIED_SENTENCE = "The local cloud does not apply the lifecycle rules and tags of buckets"


def new_test_app() -> "cdk.App":
    """An app without cdk-nag and CloudFormation's rules, which take longer than a unit test."""
    from stacks.core.app import new_app

    return new_app(validate=False)


def skip_validation(patch: "pytest.MonkeyPatch") -> None:
    """Make the `app.py` files build their apps without validation, as `new_test_app` does."""
    from stacks.core import app

    patch.setattr(app, "new_app", partial(app.new_app, validate=False))


def in_the_partition_aws(template: Mapping[str, object]) -> dict[str, object]:
    """The template with `aws` in place of partition references, as CloudFormation has it."""

    def resolve(value: dict[str, object]) -> object:
        match value:
            case {"Ref": "AWS::Partition"}:
                return "aws"
            case {"Fn::Join": ["", [*parts]]} if all(isinstance(part, str) for part in parts):
                return "".join(map(str, parts))
        return value

    resolved: dict[str, object] = json.loads(json.dumps(template), object_hook=resolve)
    return resolved


_QUICK_APP = """
import json, os, pathlib
folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.mkdir(parents=True, exist_ok=True)
template = {"Resources": {"One": {"Type": "AWS::SNS::Topic"}}}
(folder / "One.template.json").write_text(json.dumps(template))
report = {"version": "55.0.0", "title": "Validation Report", "pluginReports": []}
(folder / "validation-report.json").write_text(json.dumps(report))
(folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"One": {
    "type": "aws:cloudformation:stack",
    "environment": "aws://unknown-account/us-east-1",
    "properties": {"templateFile": "One.template.json", "tags": {"Environment": "NAME"}},
}}}))
"""


def quick_app(environment: str) -> str:
    """An app that writes a cloud assembly without aws_cdk, because its import takes seconds."""
    return _QUICK_APP.replace("NAME", environment)


def git(folder: Path, *command: str) -> str:
    """Run git in a folder, and return the output. `tests/conftest.py` sets the author."""
    return subprocess.check_output(["git", *command], cwd=folder, text=True).strip()


@contextmanager
def entered(cloud: LocalCloud, *, account: str = ACCOUNT, region: str = REGION) -> Iterator[None]:
    """Use a local cloud account as its root user, in boto3 and in commands."""
    variables = cloud.variables(os.environ, account=account, region=region)
    try:
        with replaced_variables(variables):
            boto3.DEFAULT_SESSION = None  # which has the credentials of earlier variables
            yield
    finally:
        boto3.DEFAULT_SESSION = None


ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def administrator(session: boto3.Session, name: str) -> boto3.Session:
    """A session as a new administrator, who is not the root user in the account of `session`."""
    iam = session.client("iam")
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])


# The layer in the image that `put_image` puts.
LAYER = f"sha256:{'1' * 64}"


def put_image(repository: str) -> None:
    """Put an image with the tag `v1` into the repository."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/json", "size": 1, "digest": f"sha256:{'0' * 64}"},
        "layers": [{"mediaType": "application/tar", "size": 1, "digest": LAYER}],
    }
    boto3.client("ecr").put_image(
        repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="v1"
    )


def role_session(role: str, admin: boto3.Session) -> boto3.Session:
    """A session with the credentials of `role`, an ARN.

    Services issue these credentials only to functions and tasks. Therefore, the role trusts `admin`
    until the credentials are issued. The role's permissions stay the same.
    """
    name = role.rpartition("/")[2]
    iam = boto3.client("iam")
    trust = json.loads(json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]))
    added = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": admin.client("sts").get_caller_identity()["Arn"]},
    }
    changed = trust | {"Statement": [*trust["Statement"], added]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(changed))
    try:
        given = admin.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
