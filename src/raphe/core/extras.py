"""Packages that a base install lacks on purpose, and the extra that brings each."""

PACKAGES = {
    "train": (
        "cloudpickle",
        "hydra",
        "mlflow",
        "omegaconf",
        "onnx",
        "pytorch_lightning",
        "sbi",
        "sklearn",
        "threadpoolctl",
        "torch",
        "torchmetrics",
        "yaml",
    ),
    "glif": ("numba",),
    "serve": ("fastapi", "jinja2", "uvicorn"),
    "nwb": ("pynwb",),
    "neo": ("neo", "igor2"),
    "fetch": ("gdown",),
    "slurm": ("submitit",),
    "oasis": ("oasis",),
    "units": ("zarr",),
}


def install(extra: str) -> str:
    """The command that brings an extra to the raphe that is installed, which pip keeps as it is."""
    assert extra in PACKAGES
    return f"pip install 'raphe[{extra}]'"


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """The sentence for a package that an extra would bring; None for any other module."""
    package = (error.name or "").partition(".")[0]
    for extra, packages in PACKAGES.items():
        if package in packages:
            return f"this needs the package {package}, which is not installed: {install(extra)}"
    return None
