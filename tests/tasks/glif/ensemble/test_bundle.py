"""From weights to a bundle, and what it infers without torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.ensemble.export import export
from raphe.tasks.glif.prediction.infer_parameters import infer_parameters
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior
from raphe.tasks.glif.training.data import PosteriorData
from raphe.tasks.glif.training.module import PosteriorModule

SHORT = Experiment(length_s=(0.3, 0.4), keep_every=(4,))
UNWANTED = (
    "torch",
    "sbi",
    "zuko",
    "pytorch_lightning",
    "mlflow",
    "hydra",
    "matplotlib.pyplot",
    "onnx",
    "pandas",
    "sklearn",
    "scipy.stats",
)


def test_a_bundle_infers_without_torch(posterior_bundle: Path, tmp_path: Path) -> None:
    """In a process of its own, for this one has loaded everything."""
    batch = measure(typical_prior(1), SHORT, 3, seed=0, number=0)
    np.save(tmp_path / "traces.npy", batch.traces)
    program = (
        "import sys, numpy as np\n"
        "from raphe.tasks.glif.ensemble.bundle import PosteriorBundle\n"
        "from raphe.tasks.glif.prediction import infer_parameters\n"
        "from raphe.tasks.glif.recordings import cell_files\n"
        f"traces = np.load({str(tmp_path / 'traces.npy')!r})\n"
        f"draws = PosteriorBundle.open({str(posterior_bundle)!r}, 1)"
        f".infer(traces, {batch.rate_hz}, 10, np.random.default_rng(0))\n"
        "assert draws.samples.shape == (10, 3, 5), draws.samples.shape\n"
        f"print([name for name in {UNWANTED} if name in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stdout + answer.stderr


def test_draws_are_those_of_seed_and_noise(posterior_bundle: Path) -> None:
    opened = PosteriorBundle.open(posterior_bundle, 1)
    batch = measure(typical_prior(1), SHORT, 3, seed=0, number=0)
    first, again, other = (
        opened.infer(batch.traces, batch.rate_hz, 51, np.random.default_rng(seed)).samples
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape == (51, 3, 5) and not np.isin(other, first).any()
    assert (first[..., [0, 1, 3, 4]] > 0).all()  # SI units: capacitance, resistance …
    single = opened.infer(batch.traces, batch.rate_hz, 1, np.random.default_rng(0))
    assert single.samples.shape == (1, 3, 5)  # fewer draws than members
    assert opened.least_samples == 710 and opened.longest_s == 0.4 and opened.level == 1


def test_the_paragraph_on_methods_tells_the_prior_and_the_experiments(
    posterior_bundle: Path,
) -> None:
    methods = (posterior_bundle / "METHODS.md").read_text()
    assert methods.strip() in (posterior_bundle / "MODEL_CARD.md").read_text()
    assert "by neural posterior estimation with an ensemble of 2 neural networks." in methods
    assert "0.3 to 0.4 s at 5 kHz; voltage noise up to 0.2 mV" in methods
    assert "\n- Teeter C, " in methods


def test_traces_that_cannot_be_read_are_refused(posterior_bundle: Path) -> None:
    opened = PosteriorBundle.open(posterior_bundle, 1)
    for shape in ((3, 1, 2000), (2, 2000), (3, 2, 709)):
        with pytest.raises(SettingError, match=r"expected \(B, 2, T\), .* of 710 samples or more"):
            opened.infer(np.zeros(shape, np.float32), 5000.0, 10, np.random.default_rng(0))


def test_diverged_weights_are_refused(posterior_data: PosteriorData, tmp_path: Path) -> None:
    module = PosteriorModule(False, **posterior_data.facts)
    file = write_checkpoint(module, tmp_path / "diverged.ckpt")
    run = TrainedRun("0", "seed=0", file)
    weights = torch.load(run.checkpoint, weights_only=False)
    weights["state_dict"]["net.context.0.bias"][0] = torch.nan
    torch.save(weights, run.checkpoint)
    with pytest.raises(SettingError, match=r"seed=0 \(run 0\): its weights are not finite; leave"):
        export([run], posterior_data, "", {}, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_only_a_folder_of_parameters_alone_is_replaced(posterior_bundle: Path, tmp_path) -> None:
    opened, out = PosteriorBundle.open(posterior_bundle, 1), tmp_path / "neurons"
    out.mkdir()
    (out / "parameters.csv").write_text("cell,quantity\n")
    (out / "thesis.tex").write_text("keep me")

    def refused(error: type[Exception], match: str, **inputs: object) -> None:
        with pytest.raises(error, match=match):
            infer_parameters(None, opened, out, overwrite=True, **inputs)

    refused(StoreError, "holds thesis.tex, which raphe did not write")
    refused(SettingError, "holds .*voltage.npy, which is to be read", inputs=[out / "voltage.npy"])
    (out / "parameters.csv").write_text("a,b\n")
    refused(StoreError, "its parameters.csv does not begin with cell,")
