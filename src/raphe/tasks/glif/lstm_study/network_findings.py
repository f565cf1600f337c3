"""What the study's network can know, whose last states alone are read out: computed."""

from bisect import bisect_left

import numpy as np
import torch

from raphe.core.claims import Claim
from raphe.core.metric_names import Estimate
from raphe.tasks.glif.lstm_study.grid import FITTED, STEP_S, grid, neurons, targets
from raphe.tasks.glif.lstm_study.network import LstmPublished
from raphe.tasks.glif.lstm_study.study import different
from raphe.tasks.glif.lstm_study.study_files import Digitised, StudyFiles
from raphe.tasks.glif.metrics.names import TARGETS
from raphe.tasks.glif.neurons.simulation import simulate

SEED = 0  # of a network where no trained one is given
SAME = 1e-6  # difference of scaled answers, float32's own
AT_ONCE = 16  # traces
STUDY = "LSTM GLIF study"


def finding(quantity: str, theirs: str, ours: str, why: str, value: float | None = None) -> Claim:
    """A claim of the study; `value` is the figure of `ours`, which has no interval."""
    exact = None if value is None else Estimate(value, float("nan"), float("nan"))
    return Claim(STUDY, quantity, theirs, ours, why, ours_value=exact)


def weights_findings(published: StudyFiles) -> list[Claim]:
    """The published weights on the whole grid, under the recorded Noise 2."""
    constant = targets(grid()).astype(np.float64).var(axis=0).mean()
    losses = published.train_losses
    error = grid_error(published.net, published.digitised.current_a)
    shares = ", ".join(f"{n} {e:.4f}" for n, e in zip(TARGETS, error, strict=True))
    theirs = "; ".join(f"{loss:.4f} after epoch {i + 1}" for i, loss in enumerate(losses[:3]))
    return [
        finding(
            "the published network",
            f"training loss {theirs}",
            f"MSE {error.sum():.4f}, the constant's is {constant:.4f}",
            f"Its weights on all {len(grid())} configurations under the study's Noise 2 as read "
            f"off its figure; of it {shares}. It is no better than answering the mean.",
            float(error.sum()),
        )
    ]


def grid_error(net: LstmPublished, current_a: np.ndarray) -> np.ndarray:
    """Each target's share (5,) of a network's mean squared error over the whole grid."""
    cells, which = different(grid())
    voltage = simulate(neurons(cells), current_a, STEP_S).voltage_v
    answers = np.concatenate(
        [_answers(net, voltage[start : start + AT_ONCE]) for start in range(0, len(cells), AT_ONCE)]
    )
    return ((answers[which] - targets(grid())) ** 2).mean(axis=0, dtype=np.float64) / len(TARGETS)


def seen_finding(digitised: Digitised, net: LstmPublished | None) -> Claim:
    """How much of a trace an answer depends on."""
    weights = "published weights" if net is not None else "untrained weights"
    seen = seen_ms(net or _untrained(), digitised.voltage_v)
    length_ms = 1e3 * STEP_S * len(digitised.voltage_v)
    return finding(
        "what the network sees of the fitted cell's trace",
        f"{length_ms:.0f} ms",
        f"the first and the last {seen:.1f} ms: whatever lies between, its answers stay the same "
        f"to {SAME:g} ({weights})",
        "Each direction's last state is read: the backward one ends at the trace's first sample, "
        "the forward one at its last, and both have forgotten the rest.",
        seen,
    )


def seen_ms(net: LstmPublished, voltage_v: np.ndarray) -> float:
    """The shortest stretch at both ends, in ms, that leaves the scaled answers to a trace (T,) as
    they are when all between is replaced by silence at rest."""
    voltage = torch.from_numpy((1e3 * voltage_v).astype(np.float32))[None]
    with torch.no_grad():
        answers = net(voltage)

        def same(kept: int) -> bool:
            emptied = voltage.clone()
            emptied[:, kept : voltage.shape[1] - kept] = 0
            return bool((net(emptied) - answers).abs().max() <= SAME)

        kept = bisect_left(range(voltage.shape[1] // 2), True, key=same)
    return 1e3 * STEP_S * kept


def mixed_batch_finding(digitised: Digitised, net: LstmPublished | None) -> Claim:
    """What `h_n.view` makes of a batch of two."""
    net = net or _untrained()
    other = np.array(FITTED) * [1, 1, 3, 1, 1]  # three times the resistance
    current = digitised.current_a
    pair = simulate(neurons(np.array([FITTED, other])), current, STEP_S).voltage_v[:, -10_000:]
    traces = torch.from_numpy(np.nan_to_num(1e3 * pair).astype(np.float32))
    lengths = torch.full((2,), traces.shape[1])
    with torch.no_grad():
        last = net.last_states(traces, lengths)  # (2, 2 H)
        hidden = last.unflatten(1, (2, -1)).transpose(0, 1)  # (2 directions, 2 traces, H)
        viewed = net.readout(hidden.reshape(2, -1))
        right = net.readout(last)
    off = float((viewed - right).abs().max())
    rows_mixed = bool(torch.equal(hidden.reshape(2, -1)[0], hidden[0].flatten()))
    assert rows_mixed
    return finding(
        "a batch of more than one",
        "h_n.view(-1, 1, 2 H)",
        f"of two traces the first answer is made of both forward states, the second of both "
        f"backward ones: scaled answers off by up to {off:.3f}",
        "h_n is (directions, traces, H): viewed without a transposition its rows are directions, "
        "not traces. A batch of one hides it.",
        off,
    )


def _answers(net: LstmPublished, voltage_v: np.ndarray) -> np.ndarray:
    fed = [1e3 * trace[~np.isnan(trace)] for trace in voltage_v]
    lengths = torch.tensor([len(trace) for trace in fed])
    padded = torch.zeros(len(fed), int(lengths.max()))
    for row, trace in zip(padded, fed, strict=True):
        row[: len(trace)] = torch.from_numpy(trace.astype(np.float32))
    with torch.no_grad():
        return net(padded, lengths).numpy()


def _untrained() -> LstmPublished:
    torch.manual_seed(SEED)
    return LstmPublished()
