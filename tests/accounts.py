"""Work in an account on a local cloud: as its root user, an administrator or a role."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from tools.local_cloud.client import ACCOUNT, REGION, LocalCloud
from tools.variables import replaced_variables


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
