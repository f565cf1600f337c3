"""The notebook's sweep in Keras 3 on TensorFlow: one process, one kernel size after another.

Runs in its own environment (requirements-keras.txt). Prints one JSON line with the seconds that
each kernel size took, built, trained, validated and tested, and its test accuracy.
"""

import argparse
import json
import time

import keras
import numpy as np
from keras_peer import network, versions

EVALUATION_BATCH = 1024  # as raphe's; Keras' own default of 32 takes longer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spikes", help=".npz with x and y of train, val and test")
    parser.add_argument("--kernels", type=int, nargs="+", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    options = parser.parse_args()
    data = np.load(options.spikes)
    train, val, test = ((data[f"x_{part}"], data[f"y_{part}"]) for part in ("train", "val", "test"))
    seconds, accuracies = [], []
    for kernel in options.kernels:
        begun = time.perf_counter()
        keras.backend.clear_session()
        model = network(kernel, train[0].shape[1])
        model.fit(
            *train,
            batch_size=64,
            epochs=options.epochs,
            validation_data=val,
            validation_batch_size=EVALUATION_BATCH,
            verbose=0,
        )
        _, accuracy = model.evaluate(*test, batch_size=EVALUATION_BATCH, verbose=0)
        seconds.append(time.perf_counter() - begun)
        accuracies.append(accuracy)
    print(json.dumps({"seconds": seconds, "test_accuracies": accuracies, "versions": versions()}))


if __name__ == "__main__":
    main()
