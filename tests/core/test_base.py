"""DomainStack gives every stack its names, target, tags and exports."""

import json
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from stacks.core.base import DomainStack
from stacks.core.environment import InvalidEnvironmentError
from stacks.core.exports import Export
from tests.stacks import ENVIRONMENT, in_the_partition_aws, new_test_app
from tools.cdk_cli.assembly import read_stacks

THING = Export("prices", "ThingName", "Name of a thing")


def new_stack(domain: str = "prices") -> DomainStack:
    return DomainStack(new_test_app(), ENVIRONMENT, domain=domain, description="Prices")


def test_a_stack_has_the_names_target_and_tags_of_the_environment_and_adds_no_resource() -> None:
    stack = DomainStack(
        new_test_app(),
        ENVIRONMENT,
        domain="prices",
        description="Prices of assets",
        termination_protection=True,
    )
    assert (stack.node.id, stack.stack_name) == ("PricesStack", "acme-prices-test")
    assert (stack.account, stack.region) == ("111122223333", "eu-central-1")
    assert stack.tags.tag_values()["Environment"] == "test"
    assert stack.termination_protection
    assert not new_stack().termination_protection
    iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    template = Template.from_stack(stack).to_json()
    assert template["Description"] == "Prices of assets"
    (role,) = template["Resources"].values()
    assert role["Properties"]["Tags"] == [
        {"Key": "Environment", "Value": "test"},
        {"Key": "ManagedBy", "Value": "aws-cdk"},
        {"Key": "Project", "Value": "acme"},
        {"Key": "Stack", "Value": "prices"},
    ]


def test_without_an_account_a_stack_deploys_to_the_account_of_the_credentials() -> None:
    environment = replace(ENVIRONMENT, account=None)
    stack = DomainStack(new_test_app(), environment, domain="prices", description="Prices")
    assert cdk.Token.is_unresolved(stack.account)


@pytest.mark.parametrize("account", [ENVIRONMENT.account, None])
def test_a_vpc_has_two_zones_without_a_lookup(account: str | None) -> None:
    app = new_test_app()
    environment = replace(ENVIRONMENT, account=account)
    stack = DomainStack(app, environment, domain="network", description="Network")
    ec2.Vpc(stack, "Vpc")
    manifest = Path(app.synth().directory, "manifest.json")
    assert "missing" not in json.loads(manifest.read_text())
    subnets = Template.from_stack(stack).find_resources("AWS::EC2::Subnet").values()
    zones = [subnet["Properties"]["AvailabilityZone"] for subnet in subnets]
    expected = [{"Fn::Select": [index, {"Fn::GetAZs": ""}]} for index in (0, 1)]
    assert zones == 2 * expected  # public and private


@pytest.mark.parametrize("by_person", [False, True])
def test_every_role_has_the_boundary_unless_a_person_deploys_the_stack(*, by_person: bool) -> None:
    app = new_test_app()
    stack = DomainStack(
        app, ENVIRONMENT, domain="prices", description="Prices", deployed_by_person=by_person
    )
    iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    iam.CfnRole(stack, "Other", assume_role_policy_document={})
    assembly = Path(app.synth().directory)
    (deployed,) = read_stacks(assembly)
    assert [deployed.deploy_role is None, deployed.version_parameter is None] == 2 * [by_person]
    roles = json.loads((assembly / deployed.template).read_text())["Resources"].values()
    boundary = "arn:aws:iam::111122223333:policy/execution/acme-boundary-test"
    for role in roles:
        found = in_the_partition_aws(role["Properties"]).get("PermissionsBoundary")
        assert found == (None if by_person else boundary)


def test_an_arn_names_the_partition_account_and_region_of_the_stack() -> None:
    stack = new_stack()
    arn = stack.resolve(stack.arn("dynamodb", "table/acme-*"))
    suffix = ":dynamodb:eu-central-1:111122223333:table/acme-*"
    assert arn == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, suffix]]}


def test_a_domain_that_gives_an_invalid_stack_name_is_refused() -> None:
    with pytest.raises(InvalidEnvironmentError, match="'Market Data'"):
        new_stack("Market Data")


def test_an_export_is_published_and_imported_with_the_same_name() -> None:
    stack = new_stack()
    cdk.CfnWaitConditionHandle(stack, "Handle")  # a template must have a resource
    stack.publish(THING, "value")
    Template.from_stack(stack).has_output(
        "ThingName",
        {
            "Value": "value",
            "Description": "Name of a thing",
            "Export": {"Name": "acme-prices-test:ThingName"},
        },
    )
    imported = stack.resolve(THING.import_from(ENVIRONMENT))
    assert imported == {"Fn::ImportValue": "acme-prices-test:ThingName"}


def test_an_export_of_another_domain_is_refused() -> None:
    with pytest.raises(ValueError, match=r"RatesStack cannot publish ThingName.*'prices'"):
        new_stack("rates").publish(THING, "value")
