"""What tests of predictions share."""

import pytest


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raphe.tasks.calcium.prediction.rate_folder.save_figure", lambda *_: None)
