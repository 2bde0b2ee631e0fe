"""Object keys in the data bucket: `{tier}/{asset}.parquet`.

>>> object_key(Tier.RAW, "AAPL")
'raw/AAPL.parquet'
>>> parse_key("raw/AAPL.parquet")
(<Tier.RAW: 'raw'>, 'AAPL')
"""

import re
from enum import StrEnum

SUFFIX = ".parquet"
# S3 allows 1024 bytes for a key, but tools mirror keys to files, whose names are limited to 255
# (S3 user guide, "Naming Amazon S3 objects"; POSIX, NAME_MAX).
MAX_ASSET_LENGTH = 255 - len(SUFFIX)
# The ticker characters (BRK.B, BTC-USD) among those that the S3 user guide calls safe. Upper case
# only, so that one asset cannot have two objects, AAPL and aapl.
_ASSET = re.compile(r"[A-Z0-9_]+(?:[.-][A-Z0-9_]+)*")


class Tier(StrEnum):
    """A key's first folder: the object's processing stage."""

    RAW = "raw"
    """Market data from the providers, unchanged."""
    PROCESSED = "processed"
    """Cleaned and gap-filled market data."""
    MODELS = "models"
    """Trained XGBoost models."""
    ARTIFACTS = "artifacts"
    """Backtest results and logs."""


class InvalidKeyError(ValueError):
    """An asset, tier or key outside the layout."""


def object_key(tier: Tier | str, asset: str) -> str:
    """The key of an asset's object in a tier.

    Raises `InvalidKeyError` for an unknown tier, and for an asset that could leave its tier, equal
    another asset's spelling, or break S3's rules for keys.
    """
    return f"{_tier(tier)}/{_asset(asset)}{SUFFIX}"


def parse_key(key: str) -> tuple[Tier, str]:
    """A key's tier and asset: the inverse of `object_key`, with the same errors."""
    tier, slash, name = key.partition("/")
    if not slash or not name.endswith(SUFFIX):
        raise InvalidKeyError(f"key {key!r}: it must be {{tier}}/{{asset}}{SUFFIX}")
    return _tier(tier), _asset(name.removesuffix(SUFFIX))


def _tier(tier: Tier | str) -> Tier:
    try:
        return Tier(tier)
    except ValueError:
        known = ", ".join(Tier)
        raise InvalidKeyError(f"tier {tier!r} not found; use {known}") from None


def _asset(asset: str) -> str:
    if len(asset) > MAX_ASSET_LENGTH:
        raise InvalidKeyError(
            f"asset {asset[:20]!r}…: {len(asset)} characters, and {MAX_ASSET_LENGTH} are allowed"
        )
    if asset.upper().endswith(SUFFIX.upper()):
        raise InvalidKeyError(f"asset {asset!r}: leave out {SUFFIX}, which object_key adds")
    if not _ASSET.fullmatch(asset):
        raise InvalidKeyError(
            f"asset {asset!r}: use upper-case ASCII letters, digits and underscores, with single "
            "dots or hyphens between them, as in AAPL, BRK.B or BTC-USD"
        )
    return asset
