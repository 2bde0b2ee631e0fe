"""The environment and the app in which tests build stacks."""

import json
from collections.abc import Mapping
from functools import partial

import aws_cdk as cdk
import pytest

from stacks.core import app
from stacks.core.environment import Environment

# Every setting differs from the default, so tests cannot depend on the name of the project or
# environment.
ENVIRONMENT = Environment(
    project="acme", name="test", region="eu-central-1", account="111122223333"
)


def new_test_app() -> cdk.App:
    """An app without cdk-nag and CloudFormation's rules, which take longer than a unit test."""
    return app.new_app(validate=False)


def skip_validation(patch: pytest.MonkeyPatch) -> None:
    """Make the `app.py` files build their apps without validation, as `new_test_app` does."""
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
