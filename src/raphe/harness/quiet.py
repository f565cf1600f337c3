"""Keep libraries from talking over what a user should read."""

import logging
import warnings


def quieten() -> None:
    """Silence greetings and the warnings about what this harness does on purpose."""
    for name in ("pytorch_lightning", "lightning_fabric", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The folder of a resumed run holds its checkpoints.
    warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
    # Batches come from one memory-mapped reader; worker processes would only copy them.
    warnings.filterwarnings("ignore", "The '.*_dataloader' does not have many workers")
    # Lightning 2.6 calls what torch 2.13 deprecates.
    warnings.filterwarnings("ignore", ".*isinstance\\(treespec, LeafSpec\\)")
