"""Repository rules are reported and acknowledged as cdk-nag's are."""

from collections.abc import Iterator

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from stacks.core.base import DomainStack
from stacks.core.findings import acknowledge
from stacks.core.plugins import Finding, TemplateRules
from stacks.core.templates import Template
from tests.stacks import ENVIRONMENT, new_test_app


def topic_names(template: Template) -> Iterator[Finding]:
    for topic in template.resources.values():
        if topic.type == "AWS::SNS::Topic":
            rule = str(topic.properties["TopicName"])
            yield Finding(rule, topic.id, "TopicName", "It is a topic.", "Remove it.")


def test_a_finding_names_the_construct_and_the_fix_and_can_be_acknowledged() -> None:
    app = new_test_app()
    cdk.Validations.of(app).add_plugins(TemplateRules("Topics", topic_names))
    stack = DomainStack(app, ENVIRONMENT, domain="prices", description="Prices")
    nested = cdk.NestedStack(stack, "Nested")
    topics = [sns.Topic(scope, "Topic", topic_name=scope.node.id) for scope in (stack, nested)]
    with pytest.raises(RuntimeError) as failure:
        app.synth()
    for construct, rule in (("PricesStack", "PricesStack"), ("PricesStack/Nested", "Nested")):
        finding = f"{construct}/Topic/Resource (Topic"
        (block,) = [block for block in str(failure.value).split("\n\n") if finding in block]
        assert "ERROR It is a topic. (Topics)" in block
        assert "Suggested fix: Remove it." in block
        assert f"Acknowledge with 'Topics::{rule}'" in block
        assert "test_plugins.py:" in block
    # One acknowledged finding does not hide another one.
    acknowledge(topics[0], "Test", "Topics::PricesStack")
    with pytest.raises(RuntimeError, match="Topics::Nested") as failure:
        app.synth(force=True)
    assert "Topics::PricesStack" not in str(failure.value)
    acknowledge(topics[1], "Test", "Topics::Nested")
    app.synth(force=True)


def test_rules_that_fail_fail_the_synthesis() -> None:
    def fail(_: Template) -> Iterator[Finding]:
        raise ValueError("no name")

    app = new_test_app()
    cdk.Validations.of(app).add_plugins(TemplateRules("Topics", fail))
    sns.Topic(DomainStack(app, ENVIRONMENT, domain="prices", description="Prices"), "Topic")
    with pytest.raises(RuntimeError, match="plugin 'Topics' failed: no name"):
        app.synth()
