"""Credentials on a local cloud: of administrators, and of the roles as tasks receive them."""

import json

import boto3

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def administrator(session: boto3.Session, name: str) -> boto3.Session:
    """A session of a new administrator, who is not the root of the account of `session`."""
    iam = session.client("iam")
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])


def task_session(role: str, admin: boto3.Session) -> boto3.Session:
    """A session with the credentials of `role`, an ARN.

    No task runs on the local cloud, so the role trusts `admin` until the credentials are issued.
    The role's permissions stay the same.
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
        given = admin.client("sts").assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
