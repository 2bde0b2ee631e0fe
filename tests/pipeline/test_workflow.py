"""The model of GitHub Actions that the other tests rely on."""

from collections.abc import Mapping

import pytest

from tests.pipeline.node import Evaluate
from tests.pipeline.workflow import Job, Run, Workflow


def run(evaluate: Evaluate, *jobs: Job, broken: tuple[str, ...] = ()) -> dict[str, str]:
    """Run jobs named a, b, c …, each of which says its script; those of `broken` fail."""

    def execute(_: str, script: str, __: Mapping[str, str]) -> Mapping[str, str] | None:
        return None if script in broken else {"said": script}

    workflow: Workflow = {
        "on": {},
        "permissions": {},
        "concurrency": {},
        "defaults": {},
        "jobs": dict(zip("abcd", jobs, strict=False)),
    }
    return Run(workflow, {"github": {}}, evaluate, execute).results()


def job(script: str, **more: object) -> Job:
    found: Job = {"steps": [{"run": script, "id": "it"}]}
    return {**found, **more}  # type: ignore[typeddict-item] # the tests say what is in a job


def test_a_job_whose_need_failed_or_was_skipped_is_skipped(evaluate: Evaluate) -> None:
    jobs = (job("1"), job("2", needs="a"), job("3", needs=["b"]))
    assert run(evaluate, *jobs, broken=("1",)) == {"a": "failure", "b": "skipped", "c": "skipped"}


def test_an_own_condition_with_a_status_replaces_success(evaluate: Evaluate) -> None:
    jobs = (
        job("1"),
        job("2", needs="a", **{"if": "true"}),
        job("3", needs="a", **{"if": "${{ failure() }}"}),
        job("4", needs=["b", "c"], **{"if": "!cancelled() && needs.c.result == 'success'"}),
    )
    ended = run(evaluate, *jobs, broken=("1",))
    assert ended == {"a": "failure", "b": "skipped", "c": "success", "d": "success"}


def test_what_a_skipped_job_needs_counts_for_those_that_need_it(evaluate: Evaluate) -> None:
    jobs = (
        job("1"),
        job("2", needs="a", **{"if": "always()"}),
        job("3", needs="b"),
    )
    # GitHub looks at all that came before, not only at what a job names.
    assert run(evaluate, *jobs, broken=("1",))["c"] == "skipped"


def test_outputs_make_a_matrix(evaluate: Evaluate) -> None:
    ran: list[tuple[str, str]] = []

    def execute(name: str, _: str, env: Mapping[str, str]) -> Mapping[str, str]:
        ran.append((name, env.get("IT", "")))
        return {"list": '["x", "y"]'}

    first = job("1", outputs={"all": "${{ steps.it.outputs.list }}"})
    second: Job = {
        "needs": "a",
        "strategy": {"matrix": {"it": "${{ fromJSON(needs.a.outputs.all) }}"}},
        "steps": [{"run": "2", "env": {"IT": "<${{ matrix.it }}>"}}],
    }
    workflow: Workflow = {
        "on": {},
        "permissions": {},
        "concurrency": {},
        "defaults": {},
        "jobs": {"a": first, "b": second},
    }
    assert Run(workflow, {}, evaluate, execute).results()["b"] == "success"
    assert ran == [("a", ""), ("b (x)", "<x>"), ("b (y)", "<y>")]


def test_an_empty_matrix_is_an_error(evaluate: Evaluate) -> None:
    empty = job("1", strategy={"matrix": {"it": "${{ fromJSON('[]') }}"}})
    with pytest.raises(AssertionError, match="a: an empty matrix"):
        run(evaluate, empty)


def test_after_a_step_that_failed_only_steps_that_say_so_run(evaluate: Evaluate) -> None:
    said = []

    def execute(_: str, script: str, __: Mapping[str, str]) -> Mapping[str, str] | None:
        said.append(script)
        return None if script == "fails" else {}

    steps: Job = {
        "steps": [
            {"run": "fails"},
            {"run": "left out"},
            {"run": "cleans up", "if": "!cancelled()"},
            {"uses": "some/action@1"},
        ]
    }
    workflow: Workflow = {
        "on": {},
        "permissions": {},
        "concurrency": {},
        "defaults": {},
        "jobs": {"a": steps},
    }
    assert Run(workflow, {}, evaluate, execute).results() == {"a": "failure"}
    assert said == ["fails", "cleans up"]


def test_an_expression_that_is_wrong_is_named(evaluate: Evaluate) -> None:
    with pytest.raises(ValueError, match="nobody"):
        evaluate("nobody.knows", {}, {})
