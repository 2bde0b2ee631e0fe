"""What every CDK app of this repository has in common."""

import json
import os
from pathlib import Path

import aws_cdk as cdk

CDK_JSON = Path(__file__).parents[2] / "cdk.json"


def new_app() -> cdk.App:
    """A CDK app with the flags of cdk.json; what CloudFormation or cdk-nag finds fails a synthesis.

    The CDK CLI would pass them too, but a test or a plain `python stacks/storage/app.py` would not,
    and the flags shape the templates: this way they are the same bytes whoever runs it. The cloud
    assembly goes where the CLI says (CDK_OUTDIR), else to a temporary folder.

    With WEALTH_OPS_CDK_NAG=off in the environment, as in the unit tests, cdk-nag is not asked: it
    takes longer than building the stacks, and the `synth` sessions ask it anyway.
    """
    context = json.loads(CDK_JSON.read_text())["context"]
    app = cdk.App(context=context, analytics_reporting=False, outdir=os.environ.get("CDK_OUTDIR"))
    if os.environ.get("CDK_VALIDATION") != "false":  # the switch of the CDK
        # The CDK would ask CloudFormation's rules by itself, but last of all: the process could not
        # end before Node has optimized their engine. It does so meanwhile if that is made first,
        # which makes a synthesis a tenth faster.
        cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin())
    if os.environ.get("WEALTH_OPS_CDK_NAG") != "off":
        _ask_cdk_nag(app)
    return app


def _ask_cdk_nag(app: cdk.App) -> None:
    # Loaded only where it is asked: that is a third of the time that it takes.
    from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    # A third pack would make every synthesis 3 % slower; tools/scans.py asks for it.
    if app.node.try_get_context("serverless-checks"):
        cdk.Validations.of(app).add_plugins(ServerlessChecks(app))
