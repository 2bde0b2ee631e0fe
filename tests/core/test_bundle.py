"""A bundle has the code and packages that Lambda needs, and the same bytes in every clone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stacks.core import bundle
from stacks.core.bundle import Bundle, BundleError
from tests.core.repository import FILES, write, write_packages
from tests.git import git

HANDLER = "modules.prices.handler.handle"
CODE = {
    "modules/__init__.py",
    "modules/prices/__init__.py",
    "modules/prices/handler.py",
    "modules/prices/assets.csv",
}
OTHER = {"modules/other/__init__.py", "modules/other/names.py"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with modules and locked dependency groups, whose index is the user's setting."""
    folder = tmp_path_factory.mktemp("repository")
    write(folder, FILES)
    packages = tmp_path_factory.mktemp("packages")
    write_packages(packages)
    handler = partial(SimpleHTTPRequestHandler, directory=packages)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        patch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}")
        patch.setenv("NO_PROXY", "127.0.0.1")
        subprocess.run([os.environ.get("UV", "uv"), "lock", "--quiet"], cwd=folder, check=True)
        yield folder
        server.shutdown()


@pytest.fixture
def root(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository copy as the root, with an empty uv cache."""
    folder = shutil.copytree(repository, tmp_path / "root")
    monkeypatch.setattr(bundle, "ROOT", folder)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Each file's mode and content below a folder, by path. Links are no files."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def written(folder: Path, group: str | None = None) -> dict[str, tuple[int, bytes]]:
    """A bundle's files, written into a new folder."""
    folder.mkdir()
    Bundle(HANDLER, group, "x86_64").write(folder)
    return tree(folder)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("architecture", "machine"), [("x86_64", b"x86_64"), ("arm64", b"aarch64")]
)
def test_a_bundle_has_the_module_and_the_packages_for_lambda_on_any_computer(
    architecture: str, machine: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bundle(HANDLER, "prices", architecture).write(tmp_path / "out")
    found = tree(tmp_path / "out")
    assert found["compiled/machine"] == (0o644, machine)
    # No tests, lock, bytecode or RECORD, and no script with the path of this computer's Python.
    assert found.keys() - CODE == {
        "bin/binary",
        "compiled/machine",
        "compiled-1.0.dist-info/METADATA",
        "compiled-1.0.dist-info/WHEEL",
        "scripted/__init__.py",
        "scripted-1.0.dist-info/METADATA",
        "scripted-1.0.dist-info/WHEEL",
        "scripted-1.0.dist-info/entry_points.txt",
    }
    # A second bundle needs no network.
    monkeypatch.setenv("UV_OFFLINE", "1")
    Bundle(HANDLER, "prices", architecture).write(tmp_path / "second")
    assert tree(tmp_path / "second") == found


@pytest.mark.parametrize(
    ("code", "added"),
    [
        ("import json, boto3", set()),
        ("from modules.prices import handler", set()),
        ("import modules.other.names", OTHER),
        ("from modules import other", OTHER),
        ("from modules.other.names import A", OTHER),
        ("from .. import other", OTHER),
        ("from ..other import names as n", OTHER),
        ("def late():\n    import modules.other", OTHER),
        ("from modules import money", {"modules/money.py"}),
        ("from modules import VERSION", set()),  # a name in modules/__init__.py
        ("from modules import chain", OTHER | {"modules/chain/__init__.py"}),
    ],
)
def test_a_bundle_has_the_modules_that_its_module_imports(
    code: str, added: set[str], root: Path, tmp_path: Path
) -> None:
    write(root, {"src/modules/prices/more/deep.py": code.replace("from ..", "from ...")})
    write(root, {"src/modules/chain/__init__.py": "from .. import other"})
    found = written(tmp_path / "out")
    assert found.keys() == CODE | added | {"modules/prices/more/deep.py"}


def test_two_clones_have_the_same_digest_and_the_same_bytes_whatever_the_user_s_settings(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=All")
    write(root, {"src/modules/prices/__pycache__/handler.pyc": "", "src/modules/prices/a.log": ""})
    digest = Bundle(HANDLER, "prices", "x86_64").digest
    first = written(tmp_path / "first", "prices")
    umask = os.umask(0o077)
    try:
        git(tmp_path, "clone", "--quiet", str(root), "clone")
        monkeypatch.setattr(bundle, "ROOT", tmp_path / "clone")
        for name, value in {
            "FORCE_COLOR": "1",
            "GIT_DIR": str(tmp_path / "elsewhere"),
            "UV_CACHE_DIR": str(tmp_path / "another cache"),
            "UV_COMPILE_BYTECODE": "1",
            "UV_EXCLUDE_NEWER": "2000-01-01",
            "UV_PYTHON": "3.9",
        }.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "python").symlink_to(sys.executable)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        assert Bundle(HANDLER, "prices", "x86_64").digest == digest
        assert written(tmp_path / "second", "prices") == first
    finally:
        os.umask(umask)
    assert first.keys() > CODE


@pytest.mark.parametrize(
    ("path", "is_part"),
    [
        ("src/modules/prices/handler.py", True),
        ("src/modules/prices/assets.csv", True),
        ("src/modules/__init__.py", True),
        ("src/modules/new.py", False),
        ("src/modules/unused/__init__.py", False),
        ("src/modules/prices/__pycache__/handler.pyc", False),
        ("README.md", False),
    ],
)
def test_the_digest_changes_with_each_file_of_the_bundle_and_with_no_other_file(
    path: str, is_part: bool, root: Path
) -> None:
    before = Bundle(HANDLER, None, "x86_64").digest
    write(root, {path: "# changed"})
    assert (Bundle(HANDLER, None, "x86_64").digest != before) == is_part


def test_the_digest_changes_with_the_architecture_the_packages_a_name_and_the_code(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [
        Bundle(HANDLER, None, "x86_64").digest,
        Bundle(HANDLER, None, "arm64").digest,
        Bundle(HANDLER, "prices", "x86_64").digest,
        Bundle(HANDLER, "source", "x86_64").digest,
    ]
    (root / "src/modules/prices/assets.csv").rename(root / "src/modules/prices/renamed.csv")
    digests.append(Bundle(HANDLER, None, "x86_64").digest)
    write(root, {"bundle.py": "the next version of this code"})
    monkeypatch.setattr(bundle, "__file__", str(root / "bundle.py"))
    digests.append(Bundle(HANDLER, None, "x86_64").digest)
    assert len({*digests}) == len(digests)


def test_a_new_file_must_be_added_to_git_or_ignored(root: Path, tmp_path: Path) -> None:
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    file = "src/modules/prices/new file é.py"
    write(root, {file: "", "src/modules/unused/new.py": ""})
    with pytest.raises(BundleError, match=rf"^{file}: not in git.*`git add {file}`.*\.gitignore"):
        written(tmp_path / "untracked")
    git(root, "add", "--intent-to-add", file)
    (root / "src/modules/prices/assets.csv").unlink()
    expected = CODE - {"modules/prices/assets.csv"} | {"modules/prices/new file é.py"}
    assert written(tmp_path / "tracked").keys() == expected
    git(root, "rm", "--quiet", "--cached", "-f", file)
    (root / ".gitignore").write_text("new*")
    assert written(tmp_path / "ignored").keys() == CODE - {"modules/prices/assets.csv"}


def test_a_bundle_that_is_too_large_is_refused_with_its_largest_parts(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, {"src/modules/prices/model": 3 * 2**20 * "x"})
    monkeypatch.setattr(bundle, "MAX_BYTES", 3 * 2**20)
    with pytest.raises(BundleError, match=r"^3 MB, and Lambda.*are modules \(3 MB\), .*image"):
        written(tmp_path / "out", "prices")


@pytest.mark.usefixtures("root")
def test_a_package_without_a_wheel_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"unbuilt==1\.0 has no usable wheels") as error:
        Bundle(HANDLER, "source", "arm64").write(tmp_path / "out")
    assert "group 'source' needs a wheel for Lambda on arm64: use" in str(error.value)


@pytest.mark.usefixtures("root")
def test_another_error_of_uv_is_reported_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(BundleError, match=r"(?s)^`uv pip install`: .*not found in the") as error:
        Bundle(HANDLER, "prices", "arm64").write(tmp_path / "out")
    assert "wheel" not in str(error.value)


def test_a_group_that_is_not_locked_is_refused(root: Path) -> None:
    project = root / "pyproject.toml"
    project.write_text(project.read_text().replace("source =", "other ="))
    added = Bundle(HANDLER, "other", "x86_64")
    added.check()
    with pytest.raises(BundleError, match=r"(?s)`uv export --frozen`: .*`other`.*run `uv lock`"):
        _ = added.digest


def test_a_missing_program_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", str(root / "uv"))
    with pytest.raises(BundleError, match=rf"^{root}/uv not found"):
        _ = Bundle(HANDLER, "prices", "x86_64").digest
    monkeypatch.delenv("UV")
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(BundleError, match=r"^uv not found"):
        _ = Bundle(HANDLER, "prices", "x86_64").digest
    (root / ".git").mkdir()
    with pytest.raises(BundleError, match=r"^git not found"):
        _ = Bundle(HANDLER, None, "x86_64").digest


@pytest.mark.parametrize(
    "handler",
    [HANDLER, "modules.prices.forms.assigned", "modules.prices.forms.imported", "modules.top.main"],
)
def test_every_way_to_define_a_handler_is_accepted(handler: str, root: Path) -> None:
    forms = "from .handler import handle as imported\nassigned = imported"
    write(root, {"src/modules/prices/forms.py": forms})
    write(root, {"src/modules/top/__init__.py": "def main(event, context): ..."})
    Bundle(handler, "prices", "x86_64").check()


@pytest.mark.parametrize(
    ("handler", "group", "message"),
    [
        ("prices.handler.handle", None, r"write modules\.<module>\.<file>\.<function>"),
        ("modules.handle", None, r"write modules\.<module>"),
        ("", None, r"handler '': write modules\.<module>"),
        ("modules.price-feed.handler.handle", None, "underscores, not hyphens"),
        ("modules.missing.handler.handle", None, r"src/modules/missing/handler\.py not found"),
        ("modules.prices.missing.handle", None, r"src/modules/prices/missing\.py not found"),
        ("modules.prices.handler.missing", None, r"prices/handler\.py defines no 'missing'"),
        ("modules.prices.handler.print", None, r"prices/handler\.py defines no 'print'"),
        (HANDLER, "missing", r"'missing' not found.*has prices, source\. Run `uv add --group mis"),
    ],
)
def test_a_handler_or_group_that_does_not_exist_is_refused(
    handler: str, group: str | None, message: str, root: Path
) -> None:
    write(root, {"src/modules/prices/handler.py": "def handle(event, context): print()"})
    with pytest.raises(BundleError, match=message):
        Bundle(handler, group, "x86_64").check()
