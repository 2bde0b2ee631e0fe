"""An environment's rights follow its templates, its names and the rows in snapshots/."""

import json
from pathlib import Path

import pytest

from stacks.core.rights import Rights, Statement
from tests.tools.execution_policy.conftest import ACCOUNT, REGION, Assembly, Simulator
from tools.errors import UserError
from tools.execution_policy import policy, table
from tools.execution_policy.policy import rights, size, text

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data-test"}}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
ROLE = f"arn:aws:iam::{ACCOUNT}:role"


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the user's rows."""
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(table, "OWN", tmp_path / "execution-rights.toml")
    return tmp_path / "execution-rights.toml"


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


def test_stacks_that_a_person_deploys_need_no_rights(assembly: Assembly) -> None:
    assert rights(assembly({"Bucket": BUCKET}, role=None)) is None


def test_the_same_templates_give_the_same_text(assembly: Assembly) -> None:
    first = text(computed(assembly({"Bucket": BUCKET, "Queue": QUEUE})))
    assert first == text(computed(assembly({"Queue": QUEUE, "Bucket": BUCKET})))
    assert ACCOUNT not in first  # any account may deploy it
    assert json.loads(first).keys() == {"boundary", "drift", "execution"}


def test_another_resource_of_a_type_changes_nothing_but_another_type_does(
    assembly: Assembly,
) -> None:
    one = text(computed(assembly({"Queue": QUEUE})))
    named = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "acme-jobs-test"}}
    assert text(computed(assembly({"Queue": QUEUE, "Jobs": named}))) == one
    assert text(computed(assembly({"Queue": QUEUE, "Bucket": BUCKET}))) != one


def test_a_name_outside_the_patterns_is_added(assembly: Assembly) -> None:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
    other = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "legacy"}}
    assert not Simulator(*computed(assembly({"A": QUEUE}))["execution"]).allows(
        "sqs:CreateQueue", f"{arn}:legacy"
    )
    simulator = Simulator(*computed(assembly({"A": other}))["execution"])
    assert simulator.allows("sqs:CreateQueue", f"{arn}:legacy")
    assert not simulator.allows("sqs:CreateQueue", f"{arn}:legacy-other")
    reference = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}
    unknown = computed(assembly({"A": reference}))
    assert "<Name>" not in text(unknown)


def test_a_parameter_has_no_leading_slash_in_its_arn_and_a_bucket_no_capital(
    assembly: Assembly,
) -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/limits/one"}}
    recorded = text(computed(assembly({"Limit": parameter})))
    assert ":parameter/limits/one" in recorded
    stack = "acme-a-domain-with-a-long-name-test"
    bucket = {"Type": "AWS::S3::Bucket"}
    recorded = text(computed(assembly({"PricesOfEveryAssetAndDay1234": bucket}, stack)))
    assert ":::acme-a-domain-with-a-lon*-pricesofeveryassetan*" in recorded


def test_a_generated_name_of_a_long_stack_name_is_cut(assembly: Assembly) -> None:
    """Names that CloudFormation really gave: KensioSoftware/yulin#1113."""
    stack = "ChineseboostAnalyticsStack"
    simulator = Simulator(
        *computed(assembly({"RainlyticsSummariesJobFunctionRole1A2B": role()}, stack))["execution"]
    )
    cut = f"{ROLE}/ChineseboostAnalyticsStac-RainlyticsSummariesJobFun-UjecjFhpdr1d"
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/execution/acme-boundary-test"
    assert simulator.allows("iam:CreateRole", cut, PermissionsBoundary=boundary)
    other = f"{ROLE}/ChineseboostAnalyticsStac-DeployRole-UjecjFhpdr1d"
    assert not simulator.allows("iam:CreateRole", other, PermissionsBoundary=boundary)


def test_no_policy_is_empty(assembly: Assembly) -> None:
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    found = computed(assembly({"Handle": handle}))
    assert found["drift"] == []
    assert found["boundary"]
    assert all(found["execution"])


def test_policies_are_split_at_the_limit_of_iam(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = computed(assembly({"Bucket": BUCKET, "Queue": QUEUE}))["execution"]
    assert len(whole) == 1
    limit = size(whole[0]) - 1
    monkeypatch.setattr(policy, "POLICY_SIZE", limit)
    parts = computed(assembly({"Bucket": BUCKET, "Queue": QUEUE}))["execution"]
    assert len(parts) > 1
    assert [statement for part in parts for statement in part] == whole[0]
    assert all(size(part) <= limit for part in parts)


def test_a_long_statement_is_split(assembly: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "ACTIONS", 10)
    (statements,) = computed(assembly({"Bucket": BUCKET}))["execution"]
    assert max(len(statement["Action"]) for statement in statements) == 10


def test_iam_counts_the_longest_partition_and_the_account() -> None:
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/x"
    statement = Statement(Effect="Allow", Action=["a:b"], Resource=[arn])
    found = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:b"],"Resource":['
    assert size([statement]) == len(found) + len('"arn:aws-us-gov:iam::111122223333:role/x"]}]}')


def test_no_role_is_passed_if_no_service_takes_one(assembly: Assembly) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    assert "iam:PassRole" not in text(computed(assembly({"Topic": topic})))
    passing = computed(assembly({"Topic": topic, "Role": role(service=["sns.amazonaws.com"])}))
    simulator = Simulator(*passing["execution"])
    own = f"{ROLE}/acme-data-test-Role-Ab12"
    assert simulator.allows("iam:PassRole", own, PassedToService="sns.amazonaws.com")
    assert not simulator.allows("iam:PassRole", own, PassedToService="lambda.amazonaws.com")


def test_a_key_of_the_project_is_known_by_its_tag(assembly: Assembly) -> None:
    (statements,) = computed(assembly({"Key": {"Type": "AWS::KMS::Key"}}))["execution"]
    (keys,) = [each for each in statements if "kms:PutKeyPolicy" in each["Action"]]
    assert keys["Condition"] == {"StringEquals": {"aws:ResourceTag/Project": "acme"}}
    assert "kms" not in text(computed(assembly({"Bucket": BUCKET})))


class TestBoundary:
    def boundary(self, assembly: Path) -> Simulator:
        return Simulator(computed(assembly)["boundary"])

    def test_a_role_may_use_its_services_on_the_resources_of_the_environment(
        self, assembly: Assembly
    ) -> None:
        table_arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
        granted = allow("dynamodb:GetItem", f"{table_arn}/acme-*-test")
        found = self.boundary(assembly({"Role": role(granted)}))
        assert found.allows("dynamodb:PutItem", f"{table_arn}/acme-prices-test")
        assert found.allows("dynamodb:Query", f"{table_arn}/acme-prices-test/index/day")
        assert not found.allows("dynamodb:GetItem", f"{table_arn}/acme-prices-prod")
        assert not found.allows("dynamodb:GetItem", f"{table_arn}/other-prices-test")
        assert not found.allows("s3:GetObject", "arn:aws:s3:::acme-data-test/a")

    def test_each_service_has_arns_of_its_own_form(self, assembly: Assembly) -> None:
        reference = {"Fn::GetAtt": ["Queue", "Arn"]}
        granted = allow(["sqs:SendMessage", "s3:GetObject", "logs:PutLogEvents"], reference)
        found = self.boundary(assembly({"Role": role(granted)}))
        here = f"{REGION}:{ACCOUNT}"
        assert found.allows("sqs:ReceiveMessage", f"arn:aws:sqs:{here}:acme-jobs-test")
        assert not found.allows("sqs:ReceiveMessage", f"arn:aws:sqs:{here}:not-acme-jobs-test")
        assert found.allows("s3:PutObject", "arn:aws:s3:::acme-data-test/raw/AAPL.parquet")
        assert not found.allows("s3:PutObject", "arn:aws:s3:::other-data-test/raw/AAPL.parquet")
        group = f"arn:aws:logs:{here}:log-group:/aws/lambda/acme-ingest-test"
        assert found.allows("logs:PutLogEvents", f"{group}:log-stream:1")
        assert not found.allows("logs:PutLogEvents", group.replace("acme", "other"))

    def test_a_partition_that_a_policy_spells_out_is_a_parameter(self, assembly: Assembly) -> None:
        granted = allow("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x")
        recorded = text(computed(assembly({"Role": role(granted)})))
        assert "arn:${AWS::Partition}:ssm:" in recorded
        assert "arn:aws:" not in recorded

    def test_other_resources_are_allowed_exactly_as_the_templates_grant_them(
        self, assembly: Assembly
    ) -> None:
        arn = {
            "Fn::Join": [
                "",
                [
                    "arn:",
                    {"Ref": "AWS::Partition"},
                    ":ssm:eu-central-1:",
                    {"Ref": "AWS::AccountId"},
                    ":parameter/",
                    {"Ref": "Limit"},
                ],
            ]
        }
        group = {"Fn::GetAtt": ["Group", "GroupId"]}
        found = self.boundary(
            assembly(
                {
                    "Role": role(
                        allow("xray:PutTraceSegments", "*"),
                        allow("ssm:GetParameter", arn),
                        allow("ec2:RevokeSecurityGroupIngress", group),
                    )
                }
            )
        )
        assert found.allows("xray:PutTraceSegments")
        assert not found.allows("xray:GetTraceSummaries")
        assert found.allows("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x")
        assert not found.allows("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x")
        security_group = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"
        assert found.allows("ec2:RevokeSecurityGroupIngress", security_group)
        assert not found.allows("ec2:RunInstances", security_group)

    def test_no_role_gets_more_identities_or_every_action(self, assembly: Assembly) -> None:
        granted = [
            allow(["iam:CreateUser", "sts:AssumeRole", "organizations:LeaveOrganization"], "*"),
            allow("*", "*"),
            {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"},
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        ]
        (statement,) = computed(assembly({"Role": role(*granted)}))["boundary"]
        assert statement["Action"] == ["sts:GetCallerIdentity"]  # IAM needs a statement

    def test_a_role_may_pass_roles_of_the_environment(self, assembly: Assembly) -> None:
        passing = allow("iam:PassRole", f"{ROLE}/acme-identity-test-Task-1")
        found = self.boundary(assembly({"Role": role(passing, service="ecs-tasks.amazonaws.com")}))
        own, admin = f"{ROLE}/acme-data-test-Role-Ab12", f"{ROLE}/admin"
        assert found.allows("iam:PassRole", own, PassedToService="ecs-tasks.amazonaws.com")
        assert not found.allows("iam:PassRole", admin, PassedToService="ecs-tasks.amazonaws.com")

    @pytest.mark.parametrize("kind", ["Policy", "ManagedPolicy", "RolePolicy"])
    def test_policies_beside_the_role_count_too(self, assembly: Assembly, kind: str) -> None:
        document = {"Statement": [allow("xray:PutTraceSegments", "*")]}
        properties = {"PolicyName": "x", "PolicyDocument": document}
        resource = {"Type": f"AWS::IAM::{kind}", "Properties": properties}
        assert self.boundary(assembly({"Policy": resource})).allows("xray:PutTraceSegments")

    def test_a_boundary_that_iam_would_refuse_is_an_error(
        self, assembly: Assembly, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(policy, "POLICY_SIZE", 100)
        granted = role(allow("xray:PutTraceSegments", "*"))
        with pytest.raises(
            UserError, match=r"boundary of the roles in test has \d+ characters; IAM allows 100\."
        ):
            rights(assembly({"Role": granted}))


def test_every_permission_of_the_phases_roles_is_within_their_boundary(
    phases: Path, recorded: Rights
) -> None:
    boundary = Simulator(recorded["boundary"])
    denied = []
    for path in phases.glob("*.template.json"):
        for resource in json.loads(path.read_text())["Resources"].values():
            document = resource.get("Properties", {}).get("PolicyDocument", {})
            if resource["Type"] not in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
                continue
            for statement in document["Statement"]:
                actions = statement["Action"]
                arns = statement["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    for arn in arns if isinstance(arns, list) else [arns]:
                        resolved = concrete(arn)
                        if (
                            statement["Effect"] == "Allow"
                            and resolved
                            and not boundary.allows(action.replace("*", "PutItem"), resolved)
                        ):
                            denied.append((action, resolved))
    assert denied == []


def concrete(arn: object) -> str | None:
    """The ARN of one resource that matches; None for another resource's attribute."""
    match arn:
        case {"Fn::Join": [_, parts]}:
            values = {"AWS::Partition": "aws"}
            found = "".join(
                part if isinstance(part, str) else values.get(part.get("Ref", ""), "?")
                for part in parts
            )
            return None if "?" in found else found.replace("*", "x")
        case str():
            return arn if arn == "*" else arn.replace("*", "x")
    return None


class TestRows:
    def test_a_row_adds_an_action_for_its_environment(self, assembly: Assembly, rows: Path) -> None:
        rows.write_text(
            """
            [[allow]]
            action = "sqs:CreateQueue"
            reason = "needed"
            environment = "test"
            [[allow]]
            action = "sqs:DeleteQueue"
            reason = "needed"
            environment = "prod"
            [[allow]]
            action = "xray:PutTraceSegments"
            reason = "traces"
            resource = "*"
            boundary = true
            """
        )
        found = computed(assembly({"Bucket": BUCKET}))
        execution, boundary = Simulator(*found["execution"]), Simulator(found["boundary"])
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:acme-jobs-test"
        assert execution.allows("sqs:CreateQueue", queue)
        assert not execution.allows("sqs:CreateQueue", queue.replace("acme", "other"))
        assert not execution.allows("sqs:DeleteQueue", queue)
        assert not execution.allows("xray:PutTraceSegments")
        assert boundary.allows("xray:PutTraceSegments")

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("action = 1 =", "Expected newline"),
            ('action = "sqs:CreateQueue"', "reason"),
            ('action = "sqs:CreateQueue"\nreason = " "', "write a reason for the reviewer"),
            ('action = "sqs:*"\nreason = "x"', r"'sqs:\*' is no IAM action"),
            ('action = "sqs:Creat?Queue"\nreason = "x"', "is no IAM action"),
            ('action = "sqs:MakeQueue"\nreason = "x"', "is no IAM action"),
            ('action = "nothing:MakeQueue"\nreason = "x"', "is no IAM action"),
            ('action = "iam:CreateUser"\nreason = "x"', "give itself every permission"),
            ('action = "sqs:CreateQueue"\nreason = "x"\nwhy = "x"', "unexpected keyword.*why"),
        ],
    )
    def test_a_row_that_is_wrong_is_an_error(
        self, assembly: Assembly, rows: Path, row: str, message: str
    ) -> None:
        rows.write_text(f"[[allow]]\n{row}\n")
        with pytest.raises(UserError, match=message):
            rights(assembly({"Bucket": BUCKET}))
