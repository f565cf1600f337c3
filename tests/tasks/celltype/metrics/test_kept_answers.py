"""Answers kept in one piece, against those joined one by one."""

import pytest
import torch

from raphe.tasks.celltype.metrics.kept_answers import KeptAnswers


@pytest.mark.parametrize("batch", [1, 7, 25, 64, 100])
def test_hands_over_what_was_added(batch: int) -> None:
    logits, label = torch.randn(64, 2), torch.arange(64)
    kept = KeptAnswers(n_batches=-(-64 // batch))
    for one in zip(logits.split(batch), label.split(batch), strict=True):
        kept.add(*one)
    for found, expected in zip(kept.take(), (logits, label), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_does_not_hold_on_to_what_a_batch_is_a_slice_of() -> None:
    whole = torch.zeros(1000, 2)
    kept = KeptAnswers(n_batches=1)
    kept.add(whole[:10])
    whole.fill_(1.0)
    assert kept.take()[0].sum() == 0


def test_more_than_announced_is_an_error() -> None:
    kept = KeptAnswers(n_batches=1)
    kept.add(torch.zeros(10))
    with pytest.raises(AssertionError):
        kept.add(torch.zeros(1))
