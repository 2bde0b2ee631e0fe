"""`object_key` and `parse_key` are inverse, and keep each asset in its tier and distinct."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.data_bucket.keys import InvalidKeyError, Tier, object_key, parse_key

GOOD_ASSETS = ["AAPL", "BRK.B", "BTC-USD", "7203.T", "0700.HK", "_VIX", "A", "A" * 247]
BAD_ASSETS = [
    "",
    "..",
    "A/B",
    "aapl",
    "AAPL\n",
    "A..B",
    ".A",
    "A.",
    "ＡＡＰＬ",  # noqa: RUF001 (full-width letters that look like AAPL)
    "А",  # noqa: RUF001 (Cyrillic)
    "٣",
    "A" * 248,
    "AAPL.PARQUET",
]


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("asset", GOOD_ASSETS)
def test_a_key_is_tier_slash_asset_dot_parquet_and_parses_back(tier: Tier, asset: str) -> None:
    key = object_key(tier.value, asset)
    assert key == f"{tier}/{asset}.parquet"
    assert parse_key(key) == (tier, asset)


@pytest.mark.parametrize("asset", BAD_ASSETS)
def test_a_bad_asset_is_refused_with_its_value(asset: str) -> None:
    with pytest.raises(InvalidKeyError, match=re.escape(repr(asset[:20])[:-1])):
        object_key(Tier.RAW, asset)


def test_an_asset_with_the_suffix_is_refused_with_the_solution() -> None:
    with pytest.raises(InvalidKeyError, match=r"leave out \.parquet"):
        object_key(Tier.RAW, "AAPL.parquet")


@pytest.mark.parametrize("tier", ["", "RAW", "tmp", "raw/", "../raw"])
def test_an_unknown_tier_is_refused_with_the_known_ones(tier: str) -> None:
    with pytest.raises(InvalidKeyError, match="use raw, processed, models, artifacts"):
        object_key(tier, "AAPL")


@pytest.mark.parametrize(
    "key",
    ["", "AAPL.parquet", "raw/AAPL", "raw/AAPL.csv", "raw/a/AAPL.parquet", "/raw/AAPL.parquet"],
)
def test_a_string_that_is_not_a_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidKeyError):
        parse_key(key)


@settings(deadline=None)
@given(st.text())
def test_object_key_restores_every_key_that_parse_key_accepts(text: str) -> None:
    for key in (text, f"raw/{text}", f"raw/{text}.parquet"):
        try:
            parts = parse_key(key)
        except InvalidKeyError:
            continue
        assert object_key(*parts) == key


@settings(deadline=None)
@given(st.sampled_from(Tier), st.one_of(st.text(), st.from_regex(r"[A-Z0-9_.-]+")))
def test_an_accepted_asset_stays_in_its_tier_and_within_the_rules_of_s3(
    tier: Tier, asset: str
) -> None:
    try:
        key = object_key(tier, asset)
    except InvalidKeyError:
        return
    folder, name = key.split("/")
    assert folder == tier
    assert parse_key(key) == (tier, asset)
    # S3 user guide, "Naming Amazon S3 objects": length in bytes, safe characters, no path tricks.
    assert len(key.encode()) <= 1024
    assert re.fullmatch(r"[A-Za-z0-9!_.*'()-]+", name)
    assert ".." not in key
