"""Synthesis errors name the stack's line, without CDK and jsii frames."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from stacks.core.base import DomainStack
from stacks.core.errors import user_line
from tests.stacks import ENVIRONMENT, new_test_app
from tools.project import ROOT

APP = """
from aws_cdk import aws_iam
from stacks.core.app import new_app
from stacks.core.base import DomainStack
from stacks.core.environment import Environment
app = new_app(validate=False)
stack = DomainStack(app, Environment(), domain="prices", description="A stack with an error")
"""


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        (f"__init__ ({ROOT}/stacks/prices/stack.py:61)", "stacks/prices/stack.py:61"),
        (f"<module> ({ROOT}/apps/dev/app.py:5)", "apps/dev/app.py:5"),
        ("<module> (/elsewhere/app.py:5)", "/elsewhere/app.py:5"),
        (f"__init__ ({ROOT}/stacks/core/base.py:27)", None),
        (f"__init__ ({ROOT}/.venv/lib/python3.13/site-packages/aws_cdk/__init__.py:9)", None),
        ("new Bucket (/tmp/jsii/node_modules/aws-cdk-lib/aws-s3/lib/bucket.js:1)", None),
        ("...aws-cdk-lib, jsii runtime, node internals...", None),
    ],
)
def test_the_line_of_a_trace_is_the_first_one_of_a_stack_or_app(
    frame: str, line: str | None
) -> None:
    assert user_line([frame]) == line
    assert user_line([frame, f"<module> ({ROOT}/apps/last.py:1)"]) == (line or "apps/last.py:1")


@pytest.fixture
def printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run an app with an error, and return what Python prints for the error."""

    def run(code: str) -> str:
        app = tmp_path / "app.py"
        app.write_text(APP + code)
        with pytest.raises((RuntimeError, ValueError)) as error:
            runpy.run_path(str(app))
        sys.excepthook(error.type, error.value, error.tb)
        return capsys.readouterr().err

    return run


def test_an_error_of_a_constructor_ends_in_the_line_of_the_stack(
    printed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = 'aws_iam.Role(stack, "Role", assumed_by=aws_iam.AccountPrincipal(1))\n'
    output = printed(wrong)
    last_frame = [line for line in output.splitlines() if "File" in line][-1]
    assert last_frame.endswith('app.py", line 8, in <module>')
    assert output.endswith("\nRuntimeError: accountId should be of type string\n")
    assert "JavaScriptError" not in output
    monkeypatch.setenv("CDK_DEBUG", "true")
    every_frame = printed(wrong)
    assert "site-packages" in every_frame
    assert "JavaScriptError" in every_frame


@pytest.mark.parametrize("cause", ["", " from error"])
def test_the_causes_of_an_error_are_shown_without_packages(
    printed: Callable[[str], str], cause: str
) -> None:
    output = printed(f"""
try:
    aws_iam.AccountPrincipal(1)
except RuntimeError as error:
    raise ValueError("Cannot trust an account"){cause}
""")
    for error in ("RuntimeError: accountId", "ValueError: Cannot trust an account"):
        assert error in output
    assert "site-packages" not in output
    assert "JavaScriptError" not in output


def test_an_error_of_the_synthesis_names_the_line_that_created_the_construct() -> None:
    app = new_test_app()
    stack = DomainStack(app, ENVIRONMENT, domain="prices", description="Prices")
    iam.ManagedPolicy(stack, "Empty")
    line = sys._getframe().f_lineno - 1
    with pytest.raises(
        RuntimeError, match=r"\[PricesStack/Empty\] Managed Policy is empty"
    ) as found:
        app.synth()
    file = Path(__file__).relative_to(ROOT)
    assert found.value.__notes__ == [f"PricesStack/Empty is created in {file}:{line}."]


def test_an_error_of_an_unknown_construct_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    app = new_test_app()
    stack = DomainStack(app, ENVIRONMENT, domain="prices", description="Prices")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Errors:\n  [PricesStack] without a trace\n  [Gone/Child] is gone")

    monkeypatch.setattr(cdk.App, "synth", fail)
    stack.node.add_metadata("aws:cdk:creationStack", [])
    with pytest.raises(RuntimeError, match="without a trace") as found:
        app.synth()
    assert all("Gone" not in note for note in getattr(found.value, "__notes__", []))
