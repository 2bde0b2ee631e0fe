"""The CDK app that every `app.py` of this repository builds its stacks in."""

import json
import os
from pathlib import Path

import aws_cdk as cdk
from aws_cdk.cx_api import CloudAssembly

from stacks.core.exports import check_imports

CDK_JSON = Path(__file__).parents[2] / "cdk.json"


class App(cdk.App):
    """A CDK app that checks the imports of its stacks."""

    def synth(self, **options: bool | None) -> CloudAssembly:
        """Synthesize the stacks.

        Raises `ValueError` for a stack that imports from another one without depending on it.
        """
        assembly = super().synth(**options)
        check_imports(Path(assembly.directory))
        return assembly


def new_app(*, validate: bool = True) -> cdk.App:
    """A CDK app with the flags of cdk.json, whose synthesis fails on findings of cdk-nag.

    The CDK CLI passes the flags too, but a test or `python stacks/storage/app.py` does not, and the
    flags shape the templates. The cloud assembly goes to the folder that the CLI names in
    CDK_OUTDIR, else to a temporary folder.

    `validate=False` leaves out cdk-nag and CloudFormation's rules, which take longer than the
    stacks: only for tests. No environment variable does.
    """
    context = json.loads(CDK_JSON.read_text())["context"]
    app = App(
        context=context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
        outdir=os.environ.get("CDK_OUTDIR"),
    )
    if validate:
        _add_validation(app)
    return app


def _add_validation(app: cdk.App) -> None:
    # Imported here, because the import takes a third of the time that cdk-nag takes.
    from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

    validations = cdk.Validations.of(app)
    # The built-in validation of the CDK applies the same rules, but CDK_VALIDATION=false turns it
    # off, and it loads the engine at the end: loaded first, Node optimizes the engine meanwhile,
    # and a synthesis takes a tenth less.
    validations.add_plugins(cdk.CloudFormationValidatePlugin())
    validations.add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    # `nox -s security` asks for a third pack, which would make every synthesis 3 % slower.
    if app.node.try_get_context("serverless-checks"):
        validations.add_plugins(ServerlessChecks(app))
