"""AllenSDK's GlifNeuron on given neurons and a current.

Runs in its own environment (requirements-allensdk.txt). Reads configs.json, a list, and current.npy
(N,) from the folder, writes the sample of every spike as spikes.json, and prints one JSON line with
the seconds of each neuron.
"""

import argparse
import json
import time
from pathlib import Path

import allensdk
import numpy as np
from allensdk.model.glif.glif_neuron import GlifNeuron


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with configs.json and current.npy")
    folder = parser.parse_args().folder
    configs = json.loads((folder / "configs.json").read_text())
    current = np.load(folder / "current.npy")
    seconds, spikes = [], []
    for config in configs:
        neuron = GlifNeuron.from_dict(config)
        begun = time.perf_counter()
        output = neuron.run(current)
        seconds.append(time.perf_counter() - begun)
        spikes.append(np.asarray(output["spike_time_steps"]).astype(int).tolist())
    (folder / "spikes.json").write_text(json.dumps(spikes))
    versions = f"AllenSDK {allensdk.__version__}, its numpy {np.__version__}"
    print(json.dumps({"seconds": seconds, "versions": versions}))


if __name__ == "__main__":
    main()
