"""From weights to a bundle, and what it infers without torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.bundles.bundle import BundleError
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.ensemble.export import export
from raphe.tasks.glif.synthetic.prior import write_prior
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior
from raphe.tasks.glif.training.data import PosteriorData
from raphe.tasks.glif.training.module import PosteriorModule

SHORT = Experiment(length_s=(0.3, 0.4), keep_every=(4,))
SMALL = {"filters": (2, 2, 2), "units": 2, "heads": 1, "features": 3}
UNWANTED = ("torch", "sbi", "zuko", "pytorch_lightning", "mlflow", "hydra", "matplotlib.pyplot")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PosteriorData:
    file = tmp_path_factory.mktemp("prior") / "prior.json"
    write_prior(typical_prior(1), file)
    return PosteriorData(file, experiment=SHORT, batch_size=8, batches=2, n_val=8, n_test=8)


def untrained(data: PosteriorData, folder: Path, number: int, encode_traces: bool) -> TrainedRun:
    torch.manual_seed(number)
    module = PosteriorModule(encode_traces, **SMALL, n_samples=100, **data.facts)
    file = write_checkpoint(module, folder / f"{number}.ckpt")
    return TrainedRun(str(number), f"seed={number}", file)


@pytest.fixture(scope="module")
def bundle(data: PosteriorData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two untrained networks, of which one reads the traces."""
    folder = tmp_path_factory.mktemp("bundle")
    runs = [untrained(data, folder, number, bool(number)) for number in range(2)]
    return export(runs, data, "seed: 1\n", {"data": "none"}, folder / "bundle").bundle


def test_a_bundle_infers_without_torch(bundle: Path, tmp_path: Path) -> None:
    """In a process of its own, for this one has loaded everything."""
    batch = measure(typical_prior(1), SHORT, 3, seed=0, number=0)
    np.save(tmp_path / "traces.npy", batch.traces)
    program = (
        "import sys, numpy as np\n"
        "from raphe.tasks.glif.ensemble.bundle import PosteriorBundle\n"
        "from raphe.tasks.glif.prediction import infer_glif\n"
        "from raphe.tasks.glif.recordings import cell_files\n"
        f"traces = np.load({str(tmp_path / 'traces.npy')!r})\n"
        f"draws = PosteriorBundle.open({str(bundle)!r}, 1)"
        f".infer(traces, {batch.rate_hz}, 10, np.random.default_rng(0))\n"
        "assert draws.samples.shape == (10, 3, 5), draws.samples.shape\n"
        f"print([name for name in {UNWANTED} if name in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stdout + answer.stderr


def test_draws_are_those_of_seed_and_noise(bundle: Path) -> None:
    opened = PosteriorBundle.open(bundle, 1)
    batch = measure(typical_prior(1), SHORT, 3, seed=0, number=0)
    first, again, other = (
        opened.infer(batch.traces, batch.rate_hz, 51, np.random.default_rng(seed)).samples
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape == (51, 3, 5) and not np.isin(other, first).any()
    assert (first[..., [0, 1, 3, 4]] > 0).all()  # SI units: capacitance, resistance …
    assert opened.least_samples == 710 and opened.longest_s == 0.4 and opened.level == 1


def test_traces_that_cannot_be_read_are_refused(bundle: Path) -> None:
    opened = PosteriorBundle.open(bundle, 1)
    for shape in ((3, 1, 2000), (2, 2000), (3, 2, 709)):
        with pytest.raises(SettingError, match=r"expected \(B, 2, T\), .* of 710 samples or more"):
            opened.infer(np.zeros(shape, np.float32), 5000.0, 10, np.random.default_rng(0))


def test_a_bundle_of_an_earlier_kind_is_refused(bundle: Path, tmp_path: Path) -> None:
    facts = json.loads((bundle / "manifest.json").read_text())
    assert facts["n_members"] == 2
    old = {name: value for name, value in facts.items() if name != "scaler"}
    from raphe.core.bundles import bundle as bundles

    old["content_hash"] = bundles._content_hash(old)
    for file in bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "manifest.json").write_text(json.dumps(old))
    with pytest.raises(BundleError, match="its manifest holds no scaler, an earlier raphe"):
        PosteriorBundle.open(tmp_path)


def test_diverged_weights_are_refused(data: PosteriorData, tmp_path: Path) -> None:
    run = untrained(data, tmp_path, 0, False)
    weights = torch.load(run.checkpoint, weights_only=False)
    weights["state_dict"]["net.context.0.bias"][0] = torch.nan
    torch.save(weights, run.checkpoint)
    with pytest.raises(BundleError, match=r"seed=0 \(0\): its weights are not finite"):
        export([run], data, "", {}, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
