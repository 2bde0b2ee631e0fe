"""Environment determines every name, and refuses settings that AWS refuses."""

from collections.abc import Callable

import pytest

from stacks.core.environment import (
    ACCOUNT,
    DOMAIN,
    ENVIRONMENT,
    EXPORT_KEY,
    PROJECT,
    REGION,
    RESOURCE,
    Environment,
    InvalidEnvironmentError,
    NamingRule,
    construct_id,
)
from tests import stacks


def test_project_and_environment_determine_names_and_tags() -> None:
    environment = Environment(project="acme", name="test")
    assert environment.resource_name("data") == "acme-data-test"
    assert environment.resource_pattern == "acme-*-test"
    assert environment.function_log_groups == "/aws/lambda/acme-*-test"
    assert environment.task_log_groups == "/acme/test/*"
    assert environment.boundary_name == "execution/acme-boundary-test"
    assert environment.execution_policy_name(2) == "execution/acme-execution-test-2"
    assert environment.stack_name("storage") == "acme-storage-test"
    assert environment.stack_name("market_data") == "acme-market-data-test"
    assert environment.export_name("storage", "Arn") == "acme-storage-test:Arn"
    assert construct_id("market_data") == "MarketDataStack"
    assert environment.tags("storage") == {
        "Project": "acme",
        "Environment": "test",
        "Stack": "storage",
        "ManagedBy": "aws-cdk",
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"project": "a"},
        {"project": "acme2"},
        {"project": "aws-wealth"},
        {"name": "prod2"},
        {"region": "us-gov-west-1"},
        {"region": "eusc-de-east-1"},
        {"region": "us-iso-east-1"},
        {"account": "000000000000"},
    ],
)
def test_settings_within_the_rules_are_accepted(settings: dict[str, str]) -> None:
    Environment(**settings)


REFUSED = {
    PROJECT: [
        *("", "Wealth", "9lives", "wealth_ops", "wealth--ops", "wealth-", "wealth.ops"),
        *("wealth\n", "wéalth", "*", "aws", "xn--a"),
    ],
    ENVIRONMENT: ["Dev", "", "dev\n", "2dev", "eu-dev", "*"],
    ACCOUNT: ["12345678901", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢", ""],
    REGION: ["us-east", "US-EAST-1", "us-east-1a", "*", ""],
    DOMAIN: ["", "Storage", "market-data", "1st", "a__b"],
    EXPORT_KEY: ["", "Data_Bucket", "Data-Bucket"],
    RESOURCE: ["", "Data", "da_ta", "-data", "*"],
}


@pytest.mark.parametrize(
    ("rule", "value"), [(rule, value) for rule, values in REFUSED.items() for value in values]
)
def test_a_value_that_breaks_a_rule_is_refused_with_value_and_source(
    rule: NamingRule, value: str
) -> None:
    with pytest.raises(InvalidEnvironmentError) as refusal:
        rule.check(value)
    assert str(refusal.value) == f"{rule.kind} {value!r}: it must be {rule.meaning} ({rule.source})"


@pytest.mark.parametrize(
    "refused",
    [
        lambda: Environment(project="*"),
        lambda: Environment(name="*"),
        lambda: Environment(account="*"),
        lambda: Environment(region="*"),
        lambda: stacks.ENVIRONMENT.stack_name("*"),
        lambda: stacks.ENVIRONMENT.export_name("storage", "*"),
        lambda: stacks.ENVIRONMENT.resource_name("*"),
    ],
)
def test_every_setting_and_every_name_is_checked(refused: Callable[[], object]) -> None:
    with pytest.raises(InvalidEnvironmentError, match=r"'\*'"):
        refused()


def test_a_name_that_is_too_long_is_refused_with_the_allowed_length() -> None:
    environment = Environment(project="p" * 50, name="n" * 27)
    assert len(environment.stack_name("d" * 49)) == 128
    with pytest.raises(InvalidEnvironmentError, match="it has 129 characters, and 128 are allowed"):
        environment.stack_name("d" * 50)


@pytest.mark.parametrize(
    ("rule", "longest"),
    [
        (PROJECT, "p" * 50),
        (ENVIRONMENT, "n" * 50),
        (DOMAIN, "d" * 50),
        (RESOURCE, "r" * 50),
        (ACCOUNT, "1" * 12),
        (REGION, f"us-{'a' * 20}-1"),
        (EXPORT_KEY, "K" * 100),
    ],
    ids=lambda value: value.kind if isinstance(value, NamingRule) else "",
)
def test_a_name_of_the_maximum_length_is_accepted_and_a_longer_one_refused(
    rule: NamingRule, longest: str
) -> None:
    assert rule.check(longest) == longest
    too_long = longest[:4] + longest[3] + longest[4:]
    with pytest.raises(InvalidEnvironmentError, match=f"{len(longest)} are allowed") as refusal:
        rule.check(too_long)
    assert repr(too_long) in str(refusal.value)
