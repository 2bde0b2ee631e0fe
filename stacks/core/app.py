"""The CDK app that every `app.py` in this repository creates."""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

import aws_cdk as cdk
from aws_cdk.cx_api import CloudAssembly
from constructs import IConstruct

from stacks.core.errors import report, user_line
from stacks.core.exports import check_imports

CDK_JSON = Path(__file__).parents[2] / "cdk.json"
# The CDK CLI sets these unless the user's settings disable them. Both add metadata to resources.
CLI_CONTEXT = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
# The stacks that bundle their assets. The CDK CLI sets it too, e.g. to [] for `cdk list`.
BUNDLING_STACKS = "aws:cdk:bundling-stacks"


class App(cdk.App):
    """A CDK app that checks its stacks' imports, and names the stack's line in errors."""

    def synth(self, **options: bool | None) -> CloudAssembly:
        """Synthesize the stacks.

        Raises `ValueError` for a stack that imports from another one without depending on it.
        """
        try:
            assembly = super().synth(**options)
        except RuntimeError as error:
            # "Validation failed with the following errors:\n  [StorageStack/DataBucket] …"
            for path in re.findall(r"^ *\[(.+?)\] ", str(error), re.MULTILINE):
                if line := self._line(path):
                    error.add_note(f"{path} is created in {line}.")
            raise
        check_imports(Path(assembly.directory))
        return assembly

    def _line(self, path: str) -> str | None:
        """The line in a stack or app that created the construct at `path`."""
        construct: IConstruct | None = self
        for name in path.split("/"):
            construct = construct.node.try_find_child(name) if construct else None
        traces = [
            entry.data
            for child in (construct.node.find_all() if construct else [])
            for entry in child.node.metadata
            if entry.type == "aws:cdk:creationStack"
        ]
        return next(filter(None, map(user_line, traces)), None)


def new_app(*, validate: bool = True) -> cdk.App:
    """A CDK app with the repository's context, whose synthesis fails on cdk-nag findings.

    The context changes the templates. It contains cdk.json's flags, the values that `cdk synth`
    looked up in AWS and wrote to cdk.context.json, and the CLI's own settings. The CDK CLI passes
    the context too, but a test or `python stacks/storage/app.py` does not. CDK_OUTDIR, which the
    CLI sets, names the cloud assembly's folder; without it, the folder is temporary.

    `validate=False` disables cdk-nag, CloudFormation's rules and function bundling. Use it only in
    tests: each takes longer than the stacks. No environment variable disables the rules.
    """
    sys.excepthook = report
    context = _context() if validate else _context() | {BUNDLING_STACKS: []}
    app = App(
        context=context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
        outdir=os.environ.get("CDK_OUTDIR"),
    )
    if validate:
        _add_validation(app)
    return app


def _context() -> dict[str, object]:
    looked_up = CDK_JSON.with_name("cdk.context.json")
    values: dict[str, object] = json.loads(looked_up.read_text()) if looked_up.exists() else {}
    flags: dict[str, object] = json.loads(CDK_JSON.read_text())["context"]
    return values | flags | CLI_CONTEXT  # in the CDK CLI's order of precedence


@cache  # a plugin loads its rule engine for a second, and keeps nothing about an app
def _cloudformation_rules() -> cdk.CloudFormationValidatePlugin:
    # The CDK's built-in validation applies the same rules, but CDK_VALIDATION=false disables it.
    # This plugin also loads the rule engine earlier: Node optimizes the engine during cdk-nag, and
    # a synthesis takes a tenth less time.
    return cdk.CloudFormationValidatePlugin()


def _add_validation(app: cdk.App) -> None:
    # Imported here, because the import takes a third of cdk-nag's time and most tests omit it.
    from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

    from stacks.core.limits import check_limits
    from stacks.core.name_checks import check_names
    from stacks.core.plugins import TemplateRules

    validations = cdk.Validations.of(app)
    validations.add_plugins(_cloudformation_rules())
    validations.add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    validations.add_plugins(TemplateRules("Names", check_names))
    validations.add_plugins(TemplateRules("Limits", check_limits))
    # Only `nox -s security` adds a third pack, which makes a synthesis 3 % slower.
    if app.node.try_get_context("serverless-checks"):
        validations.add_plugins(ServerlessChecks(app))
