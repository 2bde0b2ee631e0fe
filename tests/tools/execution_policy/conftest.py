"""Environments whose rights the tests compute, and the simulator that decides."""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from stacks.core.rights import Rights, Statement
from tests.stacks import ENVIRONMENT, new_test_app
from tools.execution_policy import table
from tools.execution_policy.policy import rights
from tools.project import ROOT

PHASES = ROOT / "tests" / "growth" / "phases" / "stacks"
ACCOUNT, REGION = str(ENVIRONMENT.account), ENVIRONMENT.region

type Assembly = Callable[..., Path]


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the user's rows."""
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(table, "OWN", tmp_path / "execution-rights.toml")
    return tmp_path / "execution-rights.toml"


@pytest.fixture
def assembly(tmp_path: Path) -> Assembly:
    """Write a cloud assembly with a stack of the given resources; the stacks have `names`."""

    def write(resources: Mapping[str, object], *names: str, role: str | None = "cfn") -> Path:
        artifacts = {}
        for name in names or ("acme-data-test",):
            (tmp_path / f"{name}.json").write_text(json.dumps({"Resources": resources}))
            artifacts[name] = {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://{ACCOUNT}/{REGION}",
                "properties": {
                    "templateFile": f"{name}.json",
                    "stackName": name,
                    "tags": ENVIRONMENT.tags("data"),
                    **({"cloudFormationExecutionRoleArn": role} if role else {}),
                },
            }
        (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
        return tmp_path

    return write


def computed(assembly: Path) -> Rights:
    found = rights(assembly)
    assert found is not None
    return found


def role(*statements: object, service: object = "lambda.amazonaws.com", **more: object) -> object:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}}]}
    policies = [{"PolicyDocument": {"Statement": [*statements]}}]
    properties = {"AssumeRolePolicyDocument": trust, "Policies": policies, **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def allow(actions: object, resources: object) -> object:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


@pytest.fixture(scope="session")
def phases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of the foundation with the later phases' stacks, in one environment."""
    from aws_cdk import aws_lambda as lambda_

    import stacks
    from stacks.core import function
    from stacks.identity.stack import IdentityStack
    from stacks.registry.stack import RegistryStack
    from stacks.storage.stack import StorageStack

    folder = tmp_path_factory.mktemp("phases")
    role = f"arn:aws:iam::{ACCOUNT}:role/acme-identity-test-Role-1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_OUTDIR", str(folder))
        patch.setattr(stacks, "__path__", [*stacks.__path__, str(PHASES)])
        # The phases' code exists only in the copy that `nox -s growth` makes.
        patch.setattr(function, "_code", lambda *_: lambda_.Code.from_inline("pass"))
        app = new_test_app()
        StorageStack(app, ENVIRONMENT)
        RegistryStack(app, ENVIRONMENT)
        IdentityStack(
            app,
            ENVIRONMENT,
            data_bucket_arn="arn:aws:s3:::acme-data-test",
            repository_arn=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/acme-ecr-test",
        )
        for domain, arguments in {
            "growth_tables": {},
            "growth_tasks": {"task_role_arn": role, "repository_uri": "acme"},
            "growth_ingest": {"lambda_role_arn": role, "bucket_name": "b", "table_name": "t"},
        }.items():
            module = importlib.import_module(f"stacks.{domain}.stack")
            name = "".join(word.capitalize() for word in domain.split("_"))
            getattr(module, f"{name}Stack")(app, ENVIRONMENT, **arguments)
        app.synth()
    return folder


@pytest.fixture(scope="session")
def recorded(phases: Path) -> Rights:
    """The rights of the environment with the phases."""
    found = rights(phases)
    assert found is not None
    return found


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


@pytest.fixture(scope="session")
def cloudformation(recorded: Rights) -> Simulator:
    """What CloudFormation may do."""
    return Simulator(*recorded["execution"])
