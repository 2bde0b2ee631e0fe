"""Accepting findings of the security scanners, each on its construct and with a reason."""

from collections.abc import Iterable

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *findings: str) -> None:
    """Acknowledge `findings` of cdk-nag, cfn-lint or checkov on one construct.

    For example `AwsSolutions::AwsSolutions-S1`, `cfn-lint::W3045` or `checkov::CKV_AWS_18`.
    cdk-nag finds and is not named here fails the synthesis; what the others find, and what is named
    here but not found any more, fails `nox -s security`.
    """
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=finding, reason=reason) for finding in findings)
    )


def wildcards(stack: cdk.Stack, actions: Iterable[str], resources: Iterable[str]) -> list[str]:
    """The findings that cdk-nag has for those of a statement's actions and resources with a `*`."""
    parts = [
        *(f"Action::{action}" for action in actions if "*" in action),
        *(f"Resource::{_flat(stack.resolve(arn))}" for arn in resources if "*" in arn),
    ]
    return [f"AwsSolutions::AwsSolutions-IAM5[{part}]" for part in parts]


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
