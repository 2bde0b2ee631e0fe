"""The directory of a local cloud: from one complete state to the next, whatever happens."""

import json
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from tools.local_cloud import state as cloud_state
from tools.local_cloud.state import CloudState, StateError, UnsavedError

ACCOUNT = "000000000000"


class PowerCut(BaseException):
    """Nothing runs after it, and nothing cleans up."""


@pytest.fixture
def state(tmp_path: Path) -> CloudState:
    return CloudState(tmp_path / "the cloud", "1.0")


def run(state: CloudState, content: str) -> None:
    """What a server does between its start and its stop."""
    state.directory.mkdir(exist_ok=True)
    state.open()
    (state.working / "iam.json").write_text(json.dumps(content))
    (state.working / "blobs").mkdir(exist_ok=True)
    (state.working / "blobs" / "code").write_text(content)


def saved(state: CloudState) -> object:
    return json.loads((state.saved / "iam.json").read_text())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(state: CloudState, *places: str) -> None:
    for place in places:
        path = state.objects / place
        path.parent.mkdir(parents=True)
        path.write_text(place)


def know(state: CloudState, *buckets: str) -> None:
    names: dict[str, object] = {f"{ACCOUNT}\0{bucket!r}": {} for bucket in buckets}
    payload = {"buckets_meta": {"__scoped__": True, "data": names}}
    (state.working / "s3.json").write_text(json.dumps({"payload": payload}))


def test_a_new_cloud_begins_empty_and_says_nothing(state: CloudState) -> None:
    state.directory.mkdir()
    assert state.open() is None
    assert list(state.working.iterdir()) == []
    assert state.objects.is_dir()


def test_a_stop_in_order_is_where_the_next_start_begins(state: CloudState) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    assert json.loads((state.saved / "about.json").read_text()) == {
        "ministack": "1.0",
        "account": ACCOUNT,
    }
    assert state.open() is None
    assert (state.working / "iam.json").read_text() == '"first"'
    assert (state.working / "blobs" / "code").read_text() == "first"
    (state.working / "iam.json").write_text('"second"')
    state.publish(ACCOUNT)
    assert saved(state) == "second"
    assert not state.working.exists()
    assert not state.previous.exists()


def test_a_kill_goes_back_to_the_last_saved_state_and_says_so(state: CloudState) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    run(state, "lost")
    assert state.open() == (
        "The local cloud did not stop in order; it is back at its last saved state."
    )
    assert (state.working / "iam.json").read_text() == '"first"'


def test_a_kill_keeps_objects_of_known_buckets_and_sets_those_of_others_aside(
    state: CloudState,
) -> None:
    run(state, "first")
    know(state, "known", "known's")
    state.publish(ACCOUNT)
    run(state, "lost")
    kept = [f"{ACCOUNT}/known/a/b", f"{ACCOUNT}/known's/a", f".versions/{ACCOUNT}/known/v1/a"]
    moved = [f"{ACCOUNT}/new/a", f".versions/{ACCOUNT}/new/v1/a", "111122223333/known/a"]
    put(state, *kept, *moved)
    notice = state.open()
    assert notice is not None
    aside = Path(notice.rpartition(" are in ")[2].removesuffix("."))
    assert aside.parent == state.directory
    assert files(state.objects) == {str(state.objects / p): p.encode() for p in kept}
    assert files(aside) == {str(aside / p): p.encode() for p in moved}


def test_a_kill_before_the_first_save_sets_every_object_aside(state: CloudState) -> None:
    run(state, "lost")
    put(state, f"{ACCOUNT}/new/a")
    assert "unsaved-" in (state.open() or "")
    assert files(state.objects) == {}
    assert len(files(state.directory)) == 1


def test_a_kill_while_buckets_are_set_aside_is_made_up_for_at_the_next_start(
    state: CloudState, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(state, "lost")
    put(state, f"{ACCOUNT}/new/a")

    def cut(_: Path, __: Path) -> NoReturn:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(PowerCut):
            state.open()
    assert "unsaved-" in (state.open() or "")
    assert files(state.objects) == {}


@pytest.mark.parametrize(
    ("renames", "expected"),
    [
        pytest.param(0, "first", id="before the state is marked complete"),
        pytest.param(1, "second", id="before the old one makes room"),
        pytest.param(2, "second", id="between the two folders"),
    ],
)
def test_a_power_cut_while_saving_leaves_a_complete_state(
    state: CloudState, monkeypatch: pytest.MonkeyPatch, renames: int, expected: str
) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    run(state, "second")
    rename, done = Path.rename, 0

    def cut(path: Path, target: Path) -> Path:
        nonlocal done
        if done == renames:
            raise PowerCut
        done += 1
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(PowerCut):
            state.publish(ACCOUNT)
    notice = state.open()
    assert saved(state) == expected
    assert (notice is None) == (expected == "second")
    assert not state.previous.exists()


def test_a_power_cut_while_the_old_state_is_removed_does_no_harm(state: CloudState) -> None:
    run(state, "second")
    state.publish(ACCOUNT)
    state.previous.mkdir()
    (state.previous / "half.json").write_text("")
    assert state.open() is None
    assert saved(state) == "second"
    assert not state.previous.exists()


def test_a_previous_state_that_stands_alone_is_taken_up(state: CloudState) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    state.saved.rename(state.previous)
    assert state.open() is None
    assert saved(state) == "first"


def test_a_state_of_another_version_is_refused_and_untouched(state: CloudState) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    run(state, "killed")
    before = files(state.directory)
    with pytest.raises(StateError) as caught:
        CloudState(state.directory, "2.0").open()
    assert "written by MiniStack 1.0, and this is 2.0; nothing was changed" in str(caught.value)
    assert f"mv '{state.directory}' '{state.directory}-20" in str(caught.value)
    assert files(state.directory) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("about.json", None),
        ("about.json", ""),
        ("about.json", "[]"),
        ("about.json", "{}"),
        ("iam.json", '{"half": '),
        ("iam.json", "\udcff"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused_and_untouched(
    state: CloudState, name: str, content: str | None
) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    shutil.copytree(state.saved, state.previous)
    (state.saved / name).unlink()
    if content is not None:
        (state.saved / name).write_text(content, errors="surrogateescape")
    before = files(state.directory)
    with pytest.raises(StateError, match=r"is incomplete \(.+\); nothing was changed"):
        state.open()
    assert files(state.directory) == before


def test_a_disk_that_refuses_leaves_the_last_state(
    state: CloudState, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(state, "first")
    state.publish(ACCOUNT)
    run(state, "second")

    def full(_: Path) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cloud_state, "sync", full)
    with pytest.raises(UnsavedError, match=r"stays as it was before.*No space left"):
        state.publish(ACCOUNT)
    assert saved(state) == "first"


def test_a_server_is_found_until_it_retires(state: CloudState) -> None:
    state.directory.mkdir()
    assert state.find() is None
    state.announce(4711, ACCOUNT)
    found = state.find()
    assert found is not None
    assert (found.port, found.account) == (4711, ACCOUNT)
    state.retire()
    state.retire()
    assert state.find() is None


@pytest.mark.parametrize("text", ["", "[]", '{"port": 1}', '"text"'])
def test_a_server_that_was_killed_while_it_said_where_it_is_is_not_found(
    state: CloudState, text: str
) -> None:
    state.directory.mkdir()
    state.endpoint.write_text(text)
    assert state.find() is None


def test_the_key_is_private_and_made_once(state: CloudState) -> None:
    state.directory.mkdir()
    state.ensure_tls()
    before = files(state.directory)
    assert state.key.stat().st_mode & 0o777 == 0o600
    state.ensure_tls()
    assert files(state.directory) == before


def test_a_key_without_its_certificate_is_made_again(state: CloudState) -> None:
    state.directory.mkdir()
    state.ensure_tls()
    before = state.key.read_bytes()
    state.certificate.unlink()
    state.ensure_tls()
    assert state.certificate.exists()
    assert state.key.read_bytes() != before
