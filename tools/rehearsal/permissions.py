"""How a role's policies decide on the actions and resources that they name."""

import json
from collections.abc import Iterator

import boto3

from tools.cdk_cli.assembly import as_list, at

# An action and a resource of a statement. Both may be patterns: a statement that allows
# `dynamodb:*` is a row, which another statement with `dynamodb:*` allows, too.
type Row = tuple[str, str]
ALLOWED = "allowed"


def rows(session: boto3.Session, role: str) -> set[Row]:
    """The actions that the statements of a role's policies name, each with each resource."""
    return {
        (action, resource)
        for document in _documents(session, role)
        for statement in as_list(at(json.loads(document), "Statement"))
        for action in map(str, as_list(at(statement, "Action")))
        for resource in map(str, as_list(at(statement, "Resource")))
    }


def decisions(session: boto3.Session, role: str, asked: set[Row]) -> dict[Row, str]:
    """What the role's policies decide for each row: ALLOWED, `implicitDeny` or `explicitDeny`.

    A condition is not met if it needs a value that only a call has. A missing role is not ALLOWED
    to do anything.
    """
    iam = session.client("iam")
    found = dict.fromkeys(asked, "no role")
    try:
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        return found
    for resource in {resource for _, resource in asked}:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=[action for action, of in asked if of == resource],
            ResourceArns=[resource],  # the local cloud reads only one
        )
        for result in answer["EvaluationResults"]:
            found[result["EvalActionName"], resource] = result["EvalDecision"]
    return found


def _documents(session: boto3.Session, role: str) -> Iterator[str]:
    """The policies as JSON: boto3's types do not know that it parses them."""
    iam = session.client("iam")
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        yield json.dumps(found["Document"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
