"""Reading profiles: the ones that come with the package, or a user's own TOML file."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spikewatt.errors import SpikewattError, unknown_name
from spikewatt.hardware_profiles.schema import Profile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the profiles that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@lru_cache(maxsize=32)
def _shipped(name: str) -> Profile:
    return _read(_FOLDER / f"{name}.toml")


def load(name_or_path: str | Path) -> Profile:
    """A profile by its name, or from a TOML file by its path.

    Raises SpikewattError for an unknown name, a missing file, bad TOML, and for every number
    without unit or source, with a wrong kind or a wrong unit; the message names file and key.
    """
    text = str(name_or_path)
    if text in names():
        return _shipped(text)
    path = Path(text)
    if path.suffix == ".toml" or path.is_file():
        return _read(path)
    raise unknown_name("profile", text, [*names(), "or the path of a .toml file"])


def _read(path: Path) -> Profile:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpikewattError(f"Profile {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpikewattError(f"Profile {path} is not valid TOML: {error}.") from error
    try:
        return Profile.model_validate(table)
    except ValidationError as error:
        raise SpikewattError(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    """One paragraph: file, and for each problem its key, what was found, what was expected."""
    problems = [_problem(e) for e in error.errors(include_url=False)]
    count = len(problems)
    noun = "problem" if count == 1 else "problems"
    hint = "Every number needs value, unit, source and kind; `spikewatt profiles NAME` shows one."
    return f"Profile {path} cannot be used, {count} {noun}: {'; '.join(problems)}. {hint}"


def _problem(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if error["type"] == "missing":
        return f"{key} is missing"
    if error["type"] == "extra_forbidden":
        return f"{key} is not a known key"
    if error["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key} is {_short(error['input'])}, {message}"


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
