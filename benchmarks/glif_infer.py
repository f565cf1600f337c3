"""Posteriors of GLIF neurons: cells inferred a second, and the memory that training takes.

    make bench ARGS=glif_infer

From traces in memory to draws of each posterior, as `raphe predict` goes: least squares, the
encoder, the flow. Weights do not matter for the time, the networks are untrained. The memory is the
largest resident set of a process of its own that trains a step on 64 traces of 50 000 samples.
"""

import resource
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import torch
from machine import alternate, options_of, spread, write_table

from raphe.core.bundles.bundle import Bundle
from raphe.harness.process import keep_freed_memory
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle, PosteriorGraph
from raphe.tasks.glif.ensemble.posterior_graph import posterior_graph
from raphe.tasks.glif.features.training_domain import NAMES
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, Measured, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior
from raphe.tasks.glif.training.data import batch_of
from raphe.tasks.glif.training.module import PosteriorModule

PRIOR = typical_prior(1)
SCALER = PriorScaler.of(PRIOR)
TRACES = ((1.0, 4), (1.0, 1), (2.5, 1))  # length in s; sampled at 20 kHz over this
TRAINED_ON = 64  # traces in a step


def module(encode_traces: bool) -> PosteriorModule:
    torch.manual_seed(0)
    facts = {"mean": SCALER.mean.tolist(), "deviation": SCALER.deviation.tolist()}
    return PosteriorModule(encode_traces, **facts).eval()


def bundle(encode_traces: bool, threads: int) -> PosteriorBundle:
    facts = {
        "level": 1,
        "scaler": {"mean": SCALER.mean.tolist(), "deviation": SCALER.deviation.tolist()},
        "least_samples": 1,
        "domain": dict.fromkeys(NAMES, (-1.0, 1.0)),
    }
    graph = posterior_graph(module(encode_traces).net)
    return PosteriorBundle(Bundle(Path(), facts), [PosteriorGraph(graph, threads)])


def measured(length_s: float, keep: int, n: int) -> Measured:
    drawn = Experiment(families=("noise",), length_s=(length_s, length_s), keep_every=(keep,))
    return measure(PRIOR, drawn, n, seed=0, number=0)


def train_step(n_samples: int) -> float:
    """The process's largest resident set in MB, after a step."""
    model = module(encode_traces=True).train()
    batch = batch_of(measured(n_samples / 20_000, 1, TRAINED_ON), SCALER)
    assert batch.traces.shape == (TRAINED_ON, 2, n_samples)
    optimizer = torch.optim.AdamW(model.parameters())
    (-model.log_prob(batch).mean()).backward()
    optimizer.step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = options_of(__doc__, "glif_infer")
    parser.add_argument("--cells", type=int, default=128, help="inferred at once")
    parser.add_argument("--draws", type=int, default=200, help="of each posterior")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--samples", type=int, default=50_000, help="of the traces trained on")
    text = "only print the MB that a process with a training step has"
    parser.add_argument("--train-step", action="store_true", help=text)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    numba.set_num_threads(min(options.threads, numba.config.NUMBA_NUM_THREADS))
    keep_freed_memory()
    if options.train_step:
        print(train_step(options.samples))
        return
    rows = []
    bundles = {
        "encoder and least squares": bundle(True, options.threads),
        "least squares alone": bundle(False, options.threads),
    }
    for length_s, keep in TRACES:
        given = measured(length_s, keep, options.cells)
        ways = [
            lambda opened=opened, given=given: opened.infer(
                given.traces, given.rate_hz, options.draws, np.random.default_rng(0)
            )
            for opened in bundles.values()
        ]
        for way in ways:
            way()
        seconds = alternate(options.repeats, *ways)
        for name, taken in zip(bundles, seconds.T, strict=True):
            rate = spread(options.cells / taken, 0)
            rows.append((f"{length_s:g} s at {20 / keep:g} kHz, {name}", rate))
            print(*rows[-1], flush=True)
    command = [sys.executable, __file__, "--train-step", "--samples", options.samples]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    taken = f"{float(done.stdout):.0f} MB"
    rows.append(
        (f"memory of a process that trains, {TRAINED_ON} × {options.samples} samples", taken)
    )
    write_table(
        options.output,
        "Posteriors of GLIF neurons",
        f"{options.threads} threads, level 1, {options.cells} cells at once, {options.draws} draws "
        f"each; median (range) of {options.repeats} repeats in turn.",
        ("", "cells a second"),
        rows,
    )


if __name__ == "__main__":
    main()
