"""Repository rules, which a synthesis checks and reports as it does cdk-nag's."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import aws_cdk as cdk
import jsii

from stacks.core.templates import Template, read_templates


class Finding(NamedTuple):
    """A rule that a resource breaks: its logical id, the property, the fault and the fix."""

    rule: str
    resource: str
    property: str
    fault: str
    fix: str


@jsii.implements(cdk.IPolicyValidationPlugin)
class TemplateRules:
    """A validation plugin: `check` returns a template's findings.

    A finding's id, for `acknowledge` in stacks/core/findings.py, is `<name>::<rule>`.
    """

    rule_ids: list[str] | None = None  # for the CDK's statistics
    version: str | None = None

    def __init__(self, name: str, check: Callable[[Template], Iterable[Finding]]) -> None:
        self._name = name
        self._check = check

    @property
    def name(self) -> str:
        """The first part of each finding id."""
        return self._name

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Report the findings in every template that the app has."""
        assemblies = sorted({Path(path).parent for path in context.template_paths})
        violations = [
            _violation(template, finding)
            for assembly in assemblies
            for template in read_templates(assembly)
            for finding in self._check(template)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def _violation(template: Template, finding: Finding) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=finding.rule,
        description=finding.fault,
        fix=finding.fix,
        # Without a severity, one acknowledged finding would make the CDK accept all others.
        severity="error",
        violating_resources=[
            cdk.PolicyViolatingResource(
                template_path=str(template.file),
                resource_logical_id=finding.resource,
                locations=[f"Properties.{finding.property}"],
            )
        ],
    )
