"""What every stack inherits: name, place, tags, exports, flags, and no unexplained finding."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from stacks.core.app import CDK_JSON, new_app
from stacks.core.base import DomainStack, construct_id
from stacks.core.environment import Environment, InvalidEnvironmentError
from stacks.core.exports import Export
from stacks.core.findings import acknowledge, wildcards
from tests.conftest import export_faults

THING = Export("prices", "ThingName", "Name of a thing")


def new_stack(environment: Environment | None = None, domain: str = "prices") -> DomainStack:
    return DomainStack(new_app(), environment or Environment(), domain=domain, description="Prices")


def test_a_stack_gets_its_names_and_place_from_the_environment() -> None:
    stack = new_stack(Environment(project="acme", name="prod", account="111122223333"))
    assert (stack.node.id, stack.stack_name) == ("PricesStack", "acme-prices-prod")
    assert (stack.account, stack.region) == ("111122223333", "us-east-1")
    assert stack.tags.tag_values()["Environment"] == "prod"
    assert not stack.termination_protection


def test_a_stack_hands_on_its_tags_description_and_protection_and_adds_nothing() -> None:
    stack = DomainStack(
        new_app(),
        Environment(),
        domain="prices",
        description="Prices of assets",
        termination_protection=True,
    )
    iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    template = Template.from_stack(stack).to_json()
    assert stack.termination_protection
    assert template["Description"] == "Prices of assets"
    (role,) = template["Resources"].values()
    assert role["Properties"]["Tags"] == [
        {"Key": "Environment", "Value": "dev"},
        {"Key": "ManagedBy", "Value": "aws-cdk"},
        {"Key": "Project", "Value": "wealth-ops"},
        {"Key": "Stack", "Value": "prices"},
    ]


def test_without_an_account_a_stack_goes_to_that_of_the_credentials() -> None:
    assert cdk.Token.is_unresolved(new_stack().account)


def test_a_stack_of_an_impossible_domain_is_refused() -> None:
    with pytest.raises(InvalidEnvironmentError, match="'Market Data'"):
        new_stack(domain="Market Data")


def test_construct_ids_are_the_words_of_the_domain() -> None:
    assert construct_id("market_data") == "MarketDataStack"


def test_an_export_is_published_by_name_and_imported_by_the_same_name() -> None:
    stack = new_stack()
    cdk.CfnWaitConditionHandle(stack, "Handle")  # a template must have a resource
    stack.publish(THING, "value")
    Template.from_stack(stack).has_output(
        "ThingName",
        {
            "Value": "value",
            "Description": "Name of a thing",
            "Export": {"Name": "wealth-ops-prices-dev:ThingName"},
        },
    )
    imported = stack.resolve(THING.import_from(Environment()))
    assert imported == {"Fn::ImportValue": "wealth-ops-prices-dev:ThingName"}


def test_another_domains_export_cannot_be_published() -> None:
    with pytest.raises(ValueError, match=r"RatesStack cannot publish ThingName.*'prices'"):
        new_stack(domain="rates").publish(THING, "value")


def test_export_faults_name_each_export_that_is_missing_or_not_reviewed(tmp_path: Path) -> None:
    reviewed = tmp_path / "exports.txt"
    (first,) = export_faults({"New"}, {"New"}, reviewed)
    assert first.startswith(f"New: published, but not in {reviewed}. Add this line")
    reviewed.write_text("Same\nGone\n")
    assert export_faults({"Same", "Gone"}, {"Same", "Gone"}, reviewed) == []
    unpublished, new, gone = export_faults({"Same", "New"}, {"Same", "Unused"}, reviewed)
    assert unpublished == "Unused: declared in exports.py, but not published."
    assert new.startswith(f"New: published, but not in {reviewed}. Add this line")
    assert gone.startswith(f"Gone: in {reviewed}, but not published.")


def test_an_app_has_the_flags_of_cdk_json() -> None:
    app = new_app()
    flags = json.loads(CDK_JSON.read_text())["context"]
    assert {key: app.node.try_get_context(key) for key in flags} == flags


@pytest.mark.parametrize("setting", ["false", "true"])
def test_a_template_that_breaks_a_rule_of_cloudformation_fails_the_synthesis_unless_told_not_to(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", setting)
    stack = new_stack()
    cdk.CfnResource(stack, "Bad", type="AWS::S3::Bucket", properties={"Colour": "red"})
    if setting == "false":
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    else:
        with pytest.raises(RuntimeError, match="Colour"):
            cdk.App.of(stack).synth()  # type: ignore[union-attr] # as above


@pytest.mark.usefixtures("cdk_nag")
def test_a_finding_fails_the_synthesis_until_it_is_accepted_by_name() -> None:
    stack = new_stack()
    bucket = s3.Bucket(
        stack,
        "Bucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
    )
    nist = "NIST.800.53.R5::NIST.800.53.R5-"
    acknowledge(bucket, "Test", *(f"{nist}S3Bucket{x}Enabled" for x in ("Logging", "Replication")))
    with pytest.raises(RuntimeError) as failure:
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    unaccepted = ("AwsSolutions::AwsSolutions-S1", f"{nist}S3DefaultEncryptionKMS")
    assert all(finding in str(failure.value) for finding in unaccepted)
    acknowledge(bucket, "Test", *unaccepted)
    cdk.App.of(stack).synth(force=True)  # type: ignore[union-attr] # as above


@pytest.mark.parametrize("setting", ["off", "on", ""])
def test_only_the_word_off_keeps_cdk_nag_from_being_asked(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEALTH_OPS_CDK_NAG", setting)
    stack = new_stack()
    s3.Bucket(stack, "Bucket")
    if setting == "off":
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    else:
        with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
            cdk.App.of(stack).synth()  # type: ignore[union-attr] # as above


@pytest.mark.usefixtures("cdk_nag")
@pytest.mark.parametrize("asked", [True, False])
def test_the_pack_for_serverless_is_used_when_it_is_asked_for(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = {"serverless-checks": "true"} if asked else {}  # as `cdk synth --context` has it
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
    monkeypatch.setattr("stacks.core.app.CDK_JSON", tmp_path / "cdk.json")
    stack = new_stack()
    sqs.Queue(stack, "Queue", enforce_ssl=True)
    with pytest.raises(RuntimeError) as failure:
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    assert "AwsSolutions-SQS3" in str(failure.value)
    assert ("Serverless-SQSRedrivePolicy" in str(failure.value)) is asked


def test_wildcards_are_named_as_cdk_nag_names_them() -> None:
    stack = new_stack()
    resources = [
        "arn:aws:s3:::bucket/*",
        f"arn:{cdk.Aws.PARTITION}:sns:us-east-1:{stack.account}:*",
        f"{THING.import_from(Environment())}/*",
        "arn:aws:s3:::bucket/key",
    ]
    found = wildcards(stack, ["s3:Get*", "s3:PutObject"], resources)
    assert [finding.removeprefix("AwsSolutions::AwsSolutions-IAM5") for finding in found] == [
        "[Action::s3:Get*]",
        "[Resource::arn:aws:s3:::bucket/*]",
        "[Resource::arn:<AWS::Partition>:sns:us-east-1:<AWS::AccountId>:*]",
        "[Resource::wealth-ops-prices-dev:ThingName/*]",
    ]


def test_a_token_that_cdk_nag_names_in_another_way_is_an_error() -> None:
    bucket = cdk.Fn.get_att("Bucket", "Arn").to_string()
    assert wildcards(new_stack(), [], [bucket]) == []
    with pytest.raises(ValueError, match="GetAtt"):
        wildcards(new_stack(), [], [f"{bucket}/*"])


def test_cdk_json_is_beside_the_code() -> None:
    assert Path(__file__).parents[2] / "cdk.json" == CDK_JSON
