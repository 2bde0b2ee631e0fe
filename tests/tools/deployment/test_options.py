"""Each verb's command line."""

import pytest

from tools.deployment.__main__ import VERBS, main
from tools.deployment.options import Options, parse


def test_stacks_flags_and_flags_of_the_cdk_cli_are_given_in_any_order() -> None:
    words = "A --to aws --revert-drift B --yes"
    assert parse("deploy", words.split()) == Options(
        verb="deploy",
        stacks=["A", "B"],
        to="aws",
        yes=True,
        cdk_flags=["--revert-drift"],
    )
    assert parse("bootstrap", ["--trust=1", "--trust", "2"]).cdk_flags == ["--trust=1", "--trust=2"]
    assert parse("cloud", ["--port", "80"]) == Options("cloud", port=80)


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_the_flags_of_the_verb_with_their_defaults(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(verb, ["--help"])
    output = capsys.readouterr().out
    assert output.startswith(f"usage: nox -s {verb} -- [")
    own = {
        "bootstrap": "--trust",
        "cloud": "--port",
        "deploy": "--revert-drift",
        "destroy": "--unprotect",
        "diff": "--fail",
    }
    for other, flag in own.items():
        assert (flag in output) is (other == verb)
    assert "default: " in output
    assert (f"uv run cdk {verb} --help" in output) is (verb != "cloud")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("deploy --exclusive", "unrecognized arguments: --exclusive"),
        ("deploy --unprotect", "unrecognized arguments: --unprotect"),
        ("deploy --role-arn=arn:x", "unrecognized arguments: --role-arn=arn:x"),
        ("deploy --environment nowhere", "invalid choice: 'nowhere'"),
        ("bootstrap --trust", "expected one argument"),
    ],
)
def test_a_wrong_command_line_is_refused(
    words: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert problem in capsys.readouterr().err


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["dploy"]) == 2
    assert "Unknown verb 'dploy'. Known verbs: bootstrap, " in capsys.readouterr().err
