import sys
from pathlib import Path

import pytest

# Stands in for AllenSDK, whose environment tests do not have; `{}` may alter the spikes.
PEER = """#!{python}
import json, sys
from pathlib import Path
import numpy as np
from raphe.tasks.glif.neurons.neuron_config import from_config
from raphe.tasks.glif.neurons.simulation import simulate
folder = Path(sys.argv[2])
spikes = []
for config in json.loads((folder / "configs.json").read_text()):
    neuron, dt_s = from_config(config)
    index = simulate(neuron, np.load(folder / "current.npy"), dt_s).spikes[0].index
    spikes.append(({altered}).tolist())
(folder / "spikes.json").write_text(json.dumps(spikes))
print(json.dumps({{"seconds": [0.5] * len(spikes), "versions": "AllenSDK 0"}}))
"""


def peer(tmp_path: Path, altered: str) -> Path:
    path = tmp_path / "python"
    path.write_text(PEER.format(python=sys.executable, altered=altered))
    path.chmod(0o755)
    return path


def options(tmp_path: Path, altered: str = "index") -> tuple[object, ...]:
    small = ("--samples", 3000, "--cells", 40, "--peer-cells", 3, "--repeats", 1)
    return ("--allensdk", peer(tmp_path, altered), "--output", tmp_path / "glif.md", *small)


def test_glif_simulate_at_a_small_size(tmp_path: Path, run_script):
    run_script("glif_simulate.py", *options(tmp_path))
    table = (tmp_path / "glif.md").read_text()
    assert "AllenSDK 0" in table and "the grid has 40 cells, of which AllenSDK ran 3" in table
    for row in ("one neuron, AllenSDK", "one neuron, raphe float64", "grid, raphe float32"):
        assert f"| {row} |" in table


def test_glif_simulate_does_not_time_another_simulation(tmp_path: Path, run_script):
    with pytest.raises(AssertionError, match="the spikes differ"):
        run_script("glif_simulate.py", *options(tmp_path, altered="np.append(index, 0)"))
    assert not (tmp_path / "glif.md").exists()
