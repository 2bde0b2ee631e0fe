"""Acknowledge scanner findings, each on its construct and with a reason."""

import json
import re
from collections.abc import Iterable

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *findings: str) -> None:
    """Acknowledge `findings` on a construct and its children, by the ids that a scanner prints.

    For example `AwsSolutions::AwsSolutions-S1`, `Names::TableName`, `cfn-lint::W3045` or
    `checkov::CKV_AWS_18`. `reason` is for the security reviewer. Unacknowledged findings from
    cdk-nag, stacks/core/name_checks.py, stacks/core/limits.py and cfn-lint fail the synthesis.
    Unacknowledged checkov findings fail `nox -s security`, and so does an acknowledgement without a
    finding. Raises `ValueError` for an id without a scanner.
    """
    for finding in findings:
        if not re.match(r"[\w.-]+::", finding):
            raise ValueError(
                f"finding {finding!r}: begin the id with its scanner, as in cfn-lint::W3045. "
                "`nox -s security` prints the ids."
            )
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=finding, reason=reason) for finding in findings)
    )


def wildcards(stack: cdk.Stack, actions: Iterable[str], resources: Iterable[str]) -> list[str]:
    """The cdk-nag findings for the wildcards in a statement's actions and resources.

    A resource is an ARN, which may hold tokens: `f"{function.function_arn}:*"`.
    """
    names = [_flatten(stack.resolve(resource)) for resource in resources]
    found = [
        *(f"Action::{action}" for action in actions if "*" in action),
        *(f"Resource::{name}" for name in names if "*" in name),
    ]
    return [f"AwsSolutions::AwsSolutions-IAM5[{wildcard}]" for wildcard in found]


def _flatten(value: object) -> str:
    """The name that cdk-nag gives a resolved token (its `flattenCfnReference`)."""
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [str(delimiter), [*parts]]}:
            return delimiter.join(_flatten(part) for part in parts)
        case {"Fn::Sub": text} | {"Fn::ImportValue": text}:
            return _flatten(text)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{_flatten(resource)}.{_flatten(attribute)}>"
        case {"Ref": name}:
            return f"<{_flatten(name)}>"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
