"""The list of retained resources, before the question of a destroy."""

import pytest

from tests.tools.deployment.conftest import STACK, CloudFormation
from tools.deployment import destroy
from tools.deployment.operation import Operation


def test_a_deployed_template_that_cannot_be_parsed_does_not_stop_a_destroy(
    op: Operation, aws: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = "  One:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n"
    template = {"TemplateBody": f"Resources:\n{resource}{resource}"}
    aws.stub.add_response("get_template", template, {"StackName": "one"})
    assert destroy._retained(op, STACK) == []
    sentence = "One: retained resources are not known, because of Duplicate found 'One' (line 2).\n"
    assert capsys.readouterr().out == sentence
