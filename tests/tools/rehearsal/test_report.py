"""The report's sections, and its last sentence."""

from tools.rehearsal.report import Kind, Report


def report(*found: Kind) -> Report:
    made = Report(compared={"items": 4, "exports": 1})
    for kind in found:
        made.add(kind, "dev/Store/Table", f"{kind.name} one")
        made.add(kind, "dev/Store/Table", f"{kind.name} two")
    return made


def test_nothing_to_say_is_one_sentence() -> None:
    assert report().markdown({}) == (
        "**Nothing was lost in the upgrade and on the way back (items: 4, exports: 1).**"
    )
    assert Report().markdown({}) == "**Nothing was rehearsed.**"


def test_a_loss_ends_with_the_acknowledgement_to_add_and_the_subjects() -> None:
    made = report(Kind.LOST)
    assert made.unacknowledged({}) == ["dev/Store/Table"]
    assert made.markdown({}) == (
        "### Lost or failed\n\n- **dev/Store/Table**\n  - LOST one\n  - LOST two\n\nIf this is "
        "intended, add a reason for each to `snapshots/acknowledged.toml`:\n\n```toml\n"
        '"dev/Store/Table" = ""\n```\n\n'
        "**The rehearsal lost something or failed: dev/Store/Table.**"
    )


def test_an_acknowledged_loss_does_not_fail() -> None:
    made = report(Kind.LOST, Kind.CHANGED, Kind.UNTRIED)
    reasons = {"dev/Store/Table": "Moved"}
    assert made.unacknowledged(reasons) == []
    text = made.markdown(reasons)
    assert "- **dev/Store/Table** (acknowledged: Moved)\n  - LOST one" in text
    title = "Replaced or removed resources, and changed permissions"
    assert f"\n### {title}\n\n- **dev/Store/Table**\n" in text
    assert "toml" not in text
    assert text.endswith(
        "**What was lost is acknowledged in the upgrade and on the way back (items: 4, exports: "
        "1), but read above what was not rehearsed.**"
    )
