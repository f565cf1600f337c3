"""Train, test, track: `python train.py`; sweep: `python train.py -m 'model.kernel=range(1,33)'`."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while loading, Ctrl-C just ends

import hydra
from omegaconf import DictConfig

from raphe.harness.launch import launch
from raphe.harness.stage import run_stage


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> None:
    run_stage(config)


if __name__ == "__main__":
    sys.exit(launch(main))
