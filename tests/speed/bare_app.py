"""The recorded templates, without this repository's constructs and checks.

`tests/speed/measure.py` compares the default environment's synthesis with this app.
"""

import aws_cdk as cdk
from aws_cdk import cloudformation_include as include

from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.guard.snapshots import FOLDER

# The templates already contain the rule that checks the bootstrap version.
synthesizer = cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
app = cdk.App(analytics_reporting=False, default_stack_synthesizer=synthesizer)
for template in sorted((FOLDER / DEFAULT_ENVIRONMENT).glob("*.template.json")):
    stack = cdk.Stack(app, template.name.partition(".")[0])
    include.CfnInclude(stack, "Template", template_file=str(template))
app.synth()
