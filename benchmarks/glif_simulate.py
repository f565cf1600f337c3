"""The GLIF simulator: one neuron and the published grid, beside AllenSDK's GlifNeuron.

    make bench ARGS=glif_simulate

All are level 1 under the same noise at 200 kHz. AllenSDK simulates one neuron after another: its
time for the grid is that of a few cells of it, each with as many steps. The spikes of those that
both simulate have to be the same. The voltage goes into an array that is there already.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from machine import REPOSITORY, options_of, run_peer, spread, write_table

from raphe.tasks.glif.lstm_study.grid import FITTED, STEP_S, grid, neurons
from raphe.tasks.glif.lstm_study.study import Study
from raphe.tasks.glif.neurons.neuron_config import to_config
from raphe.tasks.glif.neurons.simulation import Response, equal_spikes, simulate

ALLENSDK = REPOSITORY / ".venv-allensdk" / "bin" / "python"
ONE_TIMES = 20  # calls for one neuron: each takes a millisecond


def seconds_of(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def main() -> None:
    parser = options_of(__doc__, "glif_simulate")
    text = "python with requirements-allensdk.txt (default: the one that `make bench` installs)"
    parser.add_argument("--allensdk", type=Path, default=ALLENSDK, help=text)
    parser.add_argument("--samples", type=int, default=52_000, help="steps of each neuron")
    parser.add_argument("--cells", type=int, help="of the grid (default: all)")
    parser.add_argument("--peer-cells", type=int, default=10, help="of the grid, by AllenSDK")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    current = Study(simulated=options.samples, fed=options.samples).current("noise_1")
    one = neurons(np.array([FITTED]))
    cells = neurons(grid())[: options.cells]
    rows = np.linspace(0, len(cells) - 1, options.peer_cells).astype(int)
    voltage = {name: np.empty((len(cells), len(current)), name) for name in ("float64", "float32")}
    answers: dict[str, Response] = {}

    def whole(precision: str) -> None:
        out = voltage[precision]
        answers[precision] = simulate(cells, current, STEP_S, precision=precision, out=out)

    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        configs = [to_config(each, STEP_S) for each in (one, *(cells[row] for row in rows))]
        (Path(folder) / "configs.json").write_text(json.dumps(configs))
        np.save(f"{folder}/current.npy", current)
        for precision in voltage:  # compiles
            whole(precision)
            simulate(one, current, STEP_S, precision=precision)
        for _ in range(options.repeats):
            peer = run_peer(options.allensdk, "allensdk_peer.py", folder)
            first, *others = len(current) / np.array(peer["seconds"])
            rates.setdefault("one neuron, AllenSDK", []).append(first)
            rates.setdefault("grid, AllenSDK", []).append(float(np.mean(others)))
            for precision in voltage:
                taken = seconds_of(
                    lambda p=precision: [
                        simulate(one, current, STEP_S, precision=p) for _ in range(ONE_TIMES)
                    ]
                )
                rate = ONE_TIMES * len(current) / taken
                rates.setdefault(f"one neuron, raphe {precision}", []).append(rate)
                taken = seconds_of(lambda p=precision: whole(p))
                rate = voltage[precision].size / taken
                rates.setdefault(f"grid, raphe {precision}", []).append(rate)
        theirs = json.loads((Path(folder) / "spikes.json").read_text())
    ours = [simulate(one, current, STEP_S).spikes[0], *(answers["float64"].spikes[r] for r in rows)]
    assert theirs == [spikes.index.tolist() for spikes in ours], "the spikes differ"
    equal, shift = equal_spikes(answers["float64"], answers["float32"])
    table = [
        (name, spread(np.array(values) / 1e6, 1), spread(np.array(values) / peer_rate, 0))
        for name, values in sorted(rates.items(), reverse=True)
        for peer_rate in [np.array(rates[f"{name.partition(',')[0]}, AllenSDK"])]
    ]
    write_table(
        options.output,
        "GLIF neurons simulated",
        f"{numba.get_num_threads()} threads, numba {numba.__version__}, {peer['versions']}. Level "
        f"1, {len(current)} steps of 5 µs under Noise 1; the grid has {len(cells)} cells, of which "
        f"AllenSDK ran {len(rows)}, with the same spikes; median (range) of {options.repeats} "
        f"repeats in turn. In float32 {100 * equal:.2f} % of the spikes fall into the same sample, "
        f"the largest shift is {shift}.",
        ("", "million neuron-steps a second", "times AllenSDK"),
        table,
    )


if __name__ == "__main__":
    main()
