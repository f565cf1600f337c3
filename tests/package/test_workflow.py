"""GitHub's workflow, which cannot be run here: what it names is there, on every Python of raphe."""

import re

import pytest
import yaml

from paths import PROJECT

WORKFLOW = yaml.safe_load((PROJECT / ".github" / "workflows" / "test.yml").read_text())
STEPS = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]


def test_the_matrix_holds_every_python_that_raphe_runs_on() -> None:
    text = (PROJECT / "pyproject.toml").read_text()
    first, after = map(
        int, re.findall(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', text, re.M)[0]
    )
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in range(first, after)]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]


@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_calls_is_there(step: str) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", step):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for script in re.findall(r"\.ci/[\w.]+", step):
        assert (PROJECT / script).is_file(), script
    for extra in re.findall(r"\.\[(\w+)\]", step):
        assert re.search(rf"^{extra} = \[", (PROJECT / "pyproject.toml").read_text(), re.M), extra
