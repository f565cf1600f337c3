"""Make the README's two pictures from simulated recordings: python docs/pictures/make.py

Some minutes on two cores. The verdict on a cell of `raphe demo`, and a sweep over the kernel size.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

import raphe.demo

FOLDER = Path(__file__).parent
WIDTH = 1200  # pixels
MOST_BYTES = 150_000
COMMANDS = (
    "simulate recordings --n-ser 70 --n-nser 70 --duration-s 6",
    "extract recordings spikes",
    "train -m model.kernel=2,4,8,16,28 data.store=spikes trainer.max_epochs=8 threads=1",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture_verdict(folder / "verdict.png")
        for words in COMMANDS:
            command = [sys.executable, "-m", "raphe", *words.split()]
            subprocess.run(command, cwd=folder, check=True)
        (sweep,) = folder.glob("mlruns/artifacts/celltype/*/artifacts/sweep.png")
        save(sweep, "sweep.png")


def picture_verdict(picture: Path) -> None:
    """Of the first recording that `raphe demo` shows, by its networks."""
    demo = Path(raphe.demo.__file__).parent
    cell = sorted((demo / "recordings").rglob("*.abf"))[0]
    raphe.load_bundle(demo / "bundle").figure(cell).savefig(picture, dpi=200, bbox_inches="tight")
    save(picture, "verdict.png")


def save(picture: Path, name: str) -> None:
    """In few colours, which figures have anyway, and no wider than a page shows it."""
    image = Image.open(picture).convert("RGB")
    image.thumbnail((WIDTH, WIDTH))
    image.quantize(256, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
    n_bytes = (FOLDER / name).stat().st_size
    assert n_bytes <= MOST_BYTES, f"{name}: {n_bytes} bytes, more than {MOST_BYTES}"


if __name__ == "__main__":
    main()
