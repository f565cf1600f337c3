"""Readers of damaged files: two hundred each here, ten thousand in the recorded run."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from faults import fuzz
from faults.mutations import MUTATIONS, Mutation, mutated
from faults.reader import attempt

pytestmark = pytest.mark.ci
N_MUTATIONS = 200


@pytest.mark.parametrize("name", fuzz.names())
def test_damaged_files_are_read_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    trial = fuzz.tried(name, range(N_MUTATIONS), tmp_path)
    assert not trial.faults, trial.faults[0]
    assert sum(trial.outcomes.values()) == N_MUTATIONS


@pytest.mark.parametrize("name", ["abf"])
def test_hypothesis_finds_no_smaller_damage(name: str, tmp_path: Path) -> None:
    reader = fuzz.reader_of(name)
    seeds = fuzz.seeds_of(reader, tmp_path / "seeds")
    file = tmp_path / f"tried{reader.suffix}"

    @settings(max_examples=N_MUTATIONS, derandomize=True)
    @given(MUTATIONS)
    def judge(mutations: list[Mutation]) -> None:
        file.write_bytes(mutated(seeds[0].read_bytes(), mutations))
        result = attempt(reader, file)
        assert not result.is_fault, result.detail

    judge()
