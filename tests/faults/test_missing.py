"""Optional packages that are not installed: what needs them says so, the rest works."""

from __future__ import annotations

import pytest
from fault_places import Place, one_paragraph

HIDE = """
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def hide(*packages: str) -> str:
    """Python after which these packages cannot be imported, as where they are not installed."""
    return HIDE.format(hidden=set(packages))


RUN = ("run", "small.net", "--input", "x.npy")


def test_what_needs_it_says_so(place: Place) -> None:
    done = place.run("datasets", "dvs128-gesture:.", before=hide("tonic"))
    one_paragraph(*done, told="tonic")
    place.nothing_left()


@pytest.mark.parametrize("package", ["tensorboard", "tonic", "dask", "pynvml", "matplotlib", "av"])
def test_the_rest_works(package: str, place: Place) -> None:
    status, out, err = place.run(*RUN, "--json", "run.json", before=hide(package))
    assert status == 0, err
    assert "synaptic events" in out
