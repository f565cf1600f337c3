"""The published network and training loop in Keras 3 on TensorFlow, after the authors' notebook.

Runs in its own environment (requirements-keras.txt). Reads spikes (N, T, 2, 1) and one-hot labels
from an .npz, trains, and prints one JSON line with the seconds of each epoch and the test losses.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow


def versions() -> str:
    return f"Keras {keras.__version__}, TensorFlow {tensorflow.__version__}"


def network(kernel: int, n_samples: int) -> keras.Model:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((n_samples, 2, 1)),
            layers.LayerNormalization(axis=1),
            layers.Conv2D(32, (kernel, 1), activation="relu"),
            layers.MaxPooling2D((2, 1)),
            layers.Conv2D(64, (kernel, 1), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(2, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


class Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.perf_counter() - self.begun)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("spikes", help=".npz with x_train, y_train, x_test, y_test")
    parser.add_argument("--kernel", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = np.load(options.spikes)
    keras.utils.set_random_seed(options.seed)
    model = network(options.kernel, data["x_train"].shape[1])
    clock = Clock()
    losses = []
    for _ in range(options.epochs):
        model.fit(data["x_train"], data["y_train"], batch_size=64, verbose=0, callbacks=[clock])
        losses.append(model.evaluate(data["x_test"], data["y_test"], batch_size=1024, verbose=0)[0])
    figures = {"seconds": clock.seconds, "test_losses": losses, "versions": versions()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
