"""Accepting findings of the security scanners, each on its construct and with a reason."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct


def accept(construct: IConstruct, reason: str, *findings: str) -> None:
    """Accept `findings` of cdk-nag, checkov or iam-policy-validator on one construct.

    For example `AwsSolutions::AwsSolutions-S1`, `checkov::CKV_AWS_18`, or with the statement's Sid
    `iam-policy-validator::service_wildcard[Tables]`. `reason` is for the security reviewer. What
    cdk-nag finds and is not named here fails the synthesis; what the others find, and what is named
    here but not found any more, fails `nox -s security`.
    """
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=finding, reason=reason) for finding in findings)
    )


def wildcards(stack: cdk.Stack, statement: iam.PolicyStatement) -> list[str]:
    """The findings that cdk-nag has for the actions and resources of `statement` with a `*`."""
    parts = [
        *(f"Action::{action}" for action in statement.actions),
        *(f"Resource::{_flat(stack.resolve(resource))}" for resource in statement.resources),
    ]
    return [f"AwsSolutions::AwsSolutions-IAM5[{part}]" for part in parts if "*" in part]


def _flat(value: object) -> str:
    # cdk-nag writes a resolved token so: a reference in angle brackets, an import by its export
    # name.
    match value:
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(_flat(part) for part in parts)
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::ImportValue": str(name)}:
            return name
        case str():
            return value
    raise ValueError(f"cdk-nag's name for {value!r} is not known here; add its form to {__name__}")
