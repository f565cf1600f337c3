"""What the sweeper keeps of what it composed: for the members of its own process, once."""

import pickle

from hydra_plugins import raphe_grid
from hydra_plugins.raphe_grid import ComposedOnce


class Counting:
    """A loader of settings that counts what it composes."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def load_sweep_config(self, master: object, overrides: list[str]) -> dict:
        self.asked.append(overrides)
        return {"of": overrides}

    def get_sources(self) -> str:
        return "sources"


def test_a_member_has_the_settings_that_were_composed_to_see_that_it_can_be(monkeypatch) -> None:
    monkeypatch.setattr(raphe_grid, "MOST_KEPT", 2)
    loader = Counting()
    once = ComposedOnce(loader)
    members = [["a=1"], ["a=2"], ["a=3"]]
    legal = [once.load_sweep_config(None, member) for member in members]
    launched = [once.load_sweep_config(None, member) for member in members]
    assert [first is second for first, second in zip(legal, launched, strict=True)] == [
        True, True, False,
    ]  # fmt: skip
    assert loader.asked == [*members, ["a=3"]]  # no more than two wait in memory
    assert once.load_sweep_config(None, ["a=1"]) is not legal[0]  # a run may have changed it
    assert once.get_sources() == "sources"


def test_nothing_is_kept_for_other_processes() -> None:
    once = ComposedOnce(Counting())
    once.load_sweep_config(None, ["a=1"])
    other = pickle.loads(pickle.dumps(once))
    other.load_sweep_config(None, ["a=1"])
    assert other._loader.asked == [["a=1"], ["a=1"]]
