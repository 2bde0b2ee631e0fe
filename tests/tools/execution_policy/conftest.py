"""Rights that tests compute from templates, and the simulator that decides."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from stacks.core.rights import Rights, Statement
from tests.stacks import ENVIRONMENT
from tools.execution_policy import table
from tools.execution_policy.policy import rights

ACCOUNT, REGION = str(ENVIRONMENT.account), ENVIRONMENT.region
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy"
BOUNDARY = f"{POLICY}/execution/acme-boundary-test"

type Compute = Callable[..., Rights]


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the user's rows; it does not exist."""
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(table, "OWN", tmp_path / "rights.toml")
    return tmp_path / "rights.toml"


def write_assembly(
    folder: Path, resources: Mapping[str, object], name: str = "acme-data-test", **settings: str
) -> Path:
    """Write a cloud assembly with one stack."""
    (folder / "stack.json").write_text(json.dumps({"Resources": resources}))
    properties = {"templateFile": "stack.json", "stackName": name, "tags": ENVIRONMENT.tags("data")}
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{ACCOUNT}/{REGION}",
        "properties": properties | settings,
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"DataStack": artifact}}))
    return folder


@pytest.fixture
def compute(tmp_path: Path) -> Compute:
    """Compute the rights for a stack with the given resources."""

    def compute(resources: Mapping[str, object], name: str = "acme-data-test") -> Rights:
        role = {"cloudFormationExecutionRoleArn": "cfn"}
        found = rights(write_assembly(tmp_path, resources, name, **role))
        assert found is not None
        return found

    return compute


def role(*statements: object, service: object = "lambda.amazonaws.com") -> object:
    """A role that a service may assume, with a policy."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}}]}
    policies = [{"PolicyDocument": {"Statement": [*statements]}}]
    properties = {"AssumeRolePolicyDocument": trust, "Policies": policies}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def allow(actions: object, resources: object) -> object:
    """A policy statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


class Simulator:
    """Whether policies allow an action; MiniStack's evaluator decides."""

    def __init__(self, *policies: Sequence[Statement]) -> None:
        text = json.dumps([*chain(*policies)])
        text = text.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)
        document = {"Version": "2012-10-17", "Statement": json.loads(text)}
        self._policy = parse_policy_document(document)

    def allows(self, action: str, resource: str = "*", **keys: str) -> bool:
        """`keys` are condition keys, for example `PassedToService`, and the `region`."""
        request = EvalContext(
            principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/cfn-exec/AWSCloudFormation",
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action=action,
            resource_arn=resource,
            region=keys.pop("region", REGION),
            service_context={f"iam:{key.lower()}": value for key, value in keys.items()},
        )
        return bool(evaluate(request, [self._policy]).decision == "Allow")
