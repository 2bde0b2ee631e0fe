"""The pinned CDK CLI is installed if it is missing, and runs on the pinned Node."""

import os
import sys
from collections.abc import Callable
from functools import partial
from unittest.mock import Mock

import psutil
import pytest
from rich.text import Text

from tools.cdk_cli import cdk, node
from tools.project import ROOT


def test_uv_run_cdk_starts_the_installed_cli_on_the_pinned_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = Mock()
    monkeypatch.setattr(node, "install", calls.install)
    monkeypatch.setattr(os, "execve", calls.execve)
    monkeypatch.delenv("JSII_NODE")
    monkeypatch.setattr("sys.argv", ["cdk", "deploy", "StorageStack"])
    cdk.main()
    calls.install.assert_called_once_with(ROOT)
    program, arguments, environment = calls.execve.call_args.args
    assert program == arguments[0] == str(node.NODE)
    assert arguments[-3:] == [str(cdk.CLI / "bin/cdk"), "deploy", "StorageStack"]
    assert environment["JSII_NODE"] == str(node.NODE)
    # The app would fill the cache: jsii loads its code from a new folder each time.
    assert "NODE_COMPILE_CACHE" not in environment


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Callable[..., cdk.Done]:
    """Run Python code instead of the CDK CLI."""
    monkeypatch.setattr(cdk, "command", lambda code: [sys.executable, "-c", code])
    return partial(cdk.run, "Step [a]", variables=os.environ)


Python = Callable[..., cdk.Done]


def test_the_output_of_the_cli_is_shown_and_returned_with_its_status(
    python: Python, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "[b]one")  # a variable of the session
    code = "import os, sys; print(os.environ['AWS_REGION'], flush=True); "
    code += "print(os.environ['NODE_COMPILE_CACHE'], file=sys.stderr); sys.exit(3)"
    output = f"[b]one\n{ROOT}/build/node"
    assert python(code) == (3, output)
    assert capsys.readouterr().out == f"Step [a] …\n{output}\n"


# One stack's deploy, as the CLI prints it to a pipe.
OUTPUT = """

✨  Synthesis time: 0.01s

acme-data: start: Building acme-data Template
acme-data: success: Published acme-data Template (current_account-us-east-1-795e5616)
Data (acme-data)
acme-data: creating CloudFormation changeset...
Data (acme-data): deploying... [1/1]
acme-data |  0/13 | 5:38:07 PM | CREATE_IN_PROGRESS | AWS::CloudFormation::Stack | acme-data
Data (acme-data): stack has no policy
Limit = 5
[Warning at /Data/Bucket] The name (of the bucket)
  is long = wrong

✅  Data (acme-data)

Outputs:
Data.Arn = arn:aws:s3:::acme-data
Stack ARN:
arn:aws:cloudformation:us-east-1:000000000000:stack/acme-data/2cd2608f
"""
SHOWN = """Data (acme-data): deploying... [1/1]
Data (acme-data): stack has no policy
Limit = 5
[Warning at /Data/Bucket] The name (of the bucket)
  is long = wrong
✅  Data (acme-data)
"""


def test_routine_lines_are_hidden_until_the_cli_fails(
    python: Python, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"import sys; print({OUTPUT!r}, end=''); sys.exit({{}})"
    assert python(code.format(0), hidden=cdk.ROUTINE) == (0, OUTPUT.rstrip("\n"))
    assert capsys.readouterr().out == f"Step [a] …\n{SHOWN}"
    assert python(code.format(1), hidden=cdk.EVERYTHING).status == 1
    assert capsys.readouterr().out == f"Step [a] …\ncdk failed. Its whole output:\n{OUTPUT}"


def test_the_cli_ends_when_this_process_is_interrupted(
    python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Text, "from_ansi", Mock(side_effect=KeyboardInterrupt))
    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        python("import time; print('one', flush=True); time.sleep(60)")
    assert psutil.Process().children() == before
