"""Keras' predict of several published networks one after another, with given weights.

Runs in its own environment (requirements-keras.txt). Writes the outputs (M, N, 2) and prints one
JSON line with the seconds for each batch size.
"""

import argparse
import json
import time

import numpy as np
from keras_peer import network, versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="with spikes.npy (N, T, 2, 1) and weights-<kernel>.npz")
    parser.add_argument("--kernels", type=int, nargs="+", required=True)
    parser.add_argument("--batches", type=int, nargs="+", required=True)
    options = parser.parse_args()
    spikes = np.load(f"{options.folder}/spikes.npy")
    models = []
    for kernel in options.kernels:
        models.append(network(kernel, spikes.shape[1]))
        weights = np.load(f"{options.folder}/weights-{kernel}.npz")
        models[-1].set_weights([weights[name] for name in weights.files])
    seconds = {}
    for batch in options.batches:
        for model in models:  # builds the graph
            model.predict(spikes[: 2 * batch], batch_size=batch, verbose=0)
        begun = time.perf_counter()
        answers = [model.predict(spikes, batch_size=batch, verbose=0) for model in models]
        seconds[batch] = time.perf_counter() - begun
    np.save(f"{options.folder}/answers.npy", np.stack(answers))
    print(json.dumps({"seconds": seconds, "versions": versions()}))


if __name__ == "__main__":
    main()
