"""A membrane with afterspike currents fitted to all that lies between the spikes of some sweeps.

Capacitance, resistance, rest and the currents' amplitudes and time constants, by least squares
under the residual's own noise, with what is known beforehand. What each stretch starts from is
free, whatever the reset rule is. The bridge's error adds a multiple of the current, mains hum
sines of their frequencies. P quantities, U nuisances, N samples, S stretches.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.residual_noise import (
    LEAST_MV,
    Products,
    ResidualNoise,
    estimate_noise,
    products,
)
from raphe.tasks.glif.features.sweep_kernel import (
    DRIVEN,
    FILTERED,
    FIRST_CURRENT,
    OF_KEEP,
    courses,
)
from raphe.tasks.glif.neurons.models import WITH_CURRENTS
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import (
    CAPACITANCE,
    PLAIN_A,
    RESISTANCE,
    REST,
    quantities,
)

AFTERSPIKE = ("asc_amp_1", "asc_tau_1", "asc_amp_2", "asc_tau_2")
TAUS_S = np.geomspace(2e-3, 0.15, 10)  # of the membrane, where a fit may begin
DECAYS_S = np.geomspace(2e-3, 0.4, 9)  # of afterspike currents
SCANNED = 20_000  # samples that a beginning is looked for in
BRIDGE_MOHM = 5.0  # deviation of a bridge's error, of which the mean is 0
HUM_HZ = (50.0, 100.0, 150.0, 60.0, 120.0, 180.0)
HUM_CHI2 = 30.0  # a sine beyond is there, of 2 degrees of freedom
SINE_MV = 5.0  # deviation of what is known of a sine's height
STEPS, SETTLED = 25, 1e-4  # of Gauss and Newton; of the objective, where they end
BEGINNINGS = 5  # pairs of afterspike currents that a fit begins from
FIRST_NOISE = {
    "fast_mv": 0.1,
    "fast_s": 5e-3,
    "slow_mv": 1.0,
    "slow_s": 1.0,
}  # beside the white one
ROUNDS = 3  # noise from the residual, and a fit under that noise


@dataclass(frozen=True, eq=False)
class SubthresholdFit:
    """What some sweeps say of a cell between its spikes, on the scales of `quantities`."""

    level: int
    columns: np.ndarray  # int64 (P,): places in `quantities(level)`
    place: np.ndarray  # float64 (P,)
    covariance: np.ndarray  # float64 (P, P)
    noise: ResidualNoise
    bridge_mohm: float
    hum_hz: tuple[float, ...]
    keep: float  # of the membrane over a sample
    course_mv: np.ndarray  # float64 (N,) above rest, between spikes and at them
    slopes_mv: np.ndarray  # float64 (N, P) of the course above rest by each place
    begun_mv: np.ndarray  # float64 (S,) above rest, what each stretch starts from
    begun_sd_mv: np.ndarray  # float64 (S,), of that, where the rest is known
    log_likelihood: float  # of the voltage, what stretches start from integrated out
    pull_mv: float = 0.0  # of a constant bias, above rest: see `constant_bias`

    def of_level(self, level: int) -> "SubthresholdFit":
        """The same fit for another level with the same currents."""
        return replace(self, level=level, columns=_columns(level))


def fit_subthreshold(sweeps: PooledSweeps, level: int, prior: Prior) -> SubthresholdFit:
    """Fit a level's quantities that act between spikes."""
    return _Fitting(sweeps, level, prior).fit()


class _Fitting:
    """One fit: what is constant in it, and its steps."""

    def __init__(self, sweeps: PooledSweeps, level: int, prior: Prior) -> None:
        self.sweeps, self.level = sweeps, level
        self.n_currents = 2 if level in WITH_CURRENTS else 0
        self.columns = own = _columns(level)
        mean, deviation = prior.quantiles.mean(axis=1), prior.quantiles.std(axis=1)
        self.mean = mean[own]
        covariance = np.outer(deviation, deviation) * prior.correlation
        self.prior_precision = np.linalg.inv(covariance[np.ix_(own, own)])
        self.hum_hz: tuple[float, ...] = ()
        self.nuisance = sweeps.current_na[:, None]  # (N, U)
        self.nuisance_precision = np.array([1 / BRIDGE_MOHM**2])

    # The steps

    def fit(self) -> SubthresholdFit:
        noise = ResidualNoise(self._rough_noise_mv(), **FIRST_NOISE)
        every = max(1, len(self.sweeps.voltage_mv) // SCANNED)
        tried = [self._descend(state, noise, every) for state in self._beginnings(noise, every)]
        state, _ = min(tried, key=lambda found: found[1])
        for turn in range(ROUNDS):
            noise = self._noise(state, noise)
            if turn == 0:
                state = self._with_hum(state, noise)
            last = turn == ROUNDS - 1
            state, _ = self._descend(state, noise, 1 if last else max(1, every // 2))
        return self._found(state, noise)

    def _beginnings(self, noise: ResidualNoise, every: int) -> list["_State"]:
        """The best of a grid of time constants, the rest linear; with afterspike currents the best
        pairs, for the objective has several valleys."""
        n_currents = len(DECAYS_S) if self.n_currents and self.sweeps.after_spike.any() else 0
        dt_s = self.sweeps.dt_s
        decay = np.exp(-dt_s / DECAYS_S[:n_currents])
        best: dict[tuple[int, ...], tuple[float, _State]] = {}
        for tau_s in TAUS_S:
            keep = _keep(tau_s, dt_s)
            out = self._courses(keep, decay, np.zeros(1 + n_currents), np.zeros(self.n_stretches))
            own = [out[:, FILTERED, None], out[:, FIRST_CURRENT : FIRST_CURRENT + n_currents]]
            own += [np.ones((len(out), 1)), self.nuisance, self.sweeps.voltage_mv[:, None]]
            found = self._products(own, keep, noise, every)
            for pair in combinations(range(n_currents), 2) if n_currents else ((),):
                chosen = [0, *(1 + j for j in pair), 1 + n_currents, 2 + n_currents]
                left = found.gram[np.ix_(chosen, chosen)]
                precision = np.diag([1e-6] + [1e-6] * len(pair) + [1e-6, 1 / BRIDGE_MOHM**2])
                weights = np.linalg.solve(left + precision, found.gram[chosen, -1])
                loss = found.gram[-1, -1] - weights @ found.gram[chosen, -1]
                if pair not in best or loss < best[pair][0]:
                    begun = found.begun[:, -1] - found.begun[:, chosen] @ weights
                    place = self._place_of(tau_s, weights, pair)
                    best[pair] = loss, _State(place, np.zeros(1), begun)
        ordered = sorted(best.values(), key=lambda found: found[0])
        return [state for _, state in ordered[:BEGINNINGS]]

    def _place_of(self, tau_s: float, weights: np.ndarray, pair: tuple[int, ...]) -> np.ndarray:
        place = self.mean.copy()
        resistance_mohm = max(weights[0], 1.0)
        place[:3] = np.log(tau_s / (1e6 * resistance_mohm)), np.log(1e6 * resistance_mohm), 0
        place[2] = 1e-3 * weights[1 + len(pair)]
        slow_first = sorted(range(len(pair)), key=lambda j: -DECAYS_S[pair[j]])
        for slot, j in enumerate(slow_first):
            amp_a = 1e-9 * weights[1 + j] / resistance_mohm
            place[3 + 2 * slot : 5 + 2 * slot] = (
                np.arcsinh(amp_a / PLAIN_A),
                np.log(DECAYS_S[pair[j]]),
            )
        return place

    def _descend(
        self, state: "_State", noise: ResidualNoise, every: int = 1
    ) -> tuple["_State", float]:
        """Damped Gauss-Newton steps to the least of the objective."""
        damping = 1e-4
        state, loss = self._measured(state, noise, every)
        for _ in range(STEPS):
            before = loss
            while damping < 1e6:
                tried, tried_loss = self._measured(self._stepped(state, damping), noise, every)
                if tried_loss <= loss:
                    state, loss, damping = tried, tried_loss, damping / 10
                    break
                damping = max(damping, 1e-6) * 10
            if before - loss < SETTLED * max(1.0, 1e-6 * loss):
                break
        return state, loss

    def _measured(
        self, state: "_State", noise: ResidualNoise, every: int
    ) -> tuple["_State", float]:
        """A state with its products, and the objective there."""
        jacobian, residual, keep = self._linearised(state)
        found = self._products([jacobian, self.nuisance, residual[:, None]], keep, noise, every)
        off = state.place - self.mean
        loss = found.gram[-1, -1] + off @ self.prior_precision @ off
        # The courses start from `begun` as it was; what is left of it is projected out.
        loss += self.nuisance_precision @ state.nuisance**2
        return replace(state, products=found), float(loss)

    def _stepped(self, state: "_State", damping: float) -> "_State":
        found = state.products
        assert found is not None
        precision = self._precision()
        off = np.concatenate([state.place - self.mean, state.nuisance])
        left = found.gram[:-1, :-1] + precision
        onto = found.gram[:-1, -1] - precision @ off
        step = np.linalg.solve(left + damping * np.diag(np.diag(left)), onto)
        size = np.abs(step[: len(self.mean)]).max()
        step = step / max(1.0, size)
        begun = state.begun + found.begun[:, -1] - found.begun[:, :-1] @ step
        n = len(self.mean)
        return _State(state.place + step[:n], state.nuisance + step[n:], begun)

    def _noise(self, state: "_State", noise: ResidualNoise) -> ResidualNoise:
        jacobian, residual, keep = self._linearised(state)
        columns = np.column_stack([jacobian, self.nuisance, residual])
        return estimate_noise(columns, self.sweeps, keep, self._precision(), noise)

    def _with_hum(self, state: "_State", noise: ResidualNoise) -> "_State":
        """Take sines of the mains into the nuisances where they stand out."""
        waves, of = self._sines()
        if not len(of):
            return state
        jacobian, residual, keep = self._linearised(state)
        n = len(state.place) + len(state.nuisance)
        found = self._products([jacobian, self.nuisance, waves, residual[:, None]], keep, noise)
        precision = np.zeros((n + waves.shape[1],) * 2)
        precision[:n, :n] = self._precision()
        precision[range(n, len(precision)), range(n, len(precision))] = 1 / SINE_MV**2
        covariance = np.linalg.inv(found.gram[:-1, :-1] + precision)
        weights = covariance @ found.gram[:-1, -1]
        there = []
        for wave in range(0, waves.shape[1], 2):
            pair = slice(n + wave, n + wave + 2)
            chi2 = weights[pair] @ np.linalg.solve(covariance[pair, pair], weights[pair])
            if chi2 > HUM_CHI2:
                there += [wave, wave + 1]
        if not there:
            return state
        self.hum_hz = tuple(sorted({of[wave // 2] for wave in there}))
        self.nuisance = np.hstack([self.nuisance, waves[:, there]])
        more = np.full(len(there), 1 / SINE_MV**2)
        self.nuisance_precision = np.concatenate([self.nuisance_precision, more])
        return replace(state, nuisance=np.concatenate([state.nuisance, np.zeros(len(there))]))

    def _found(self, state: "_State", noise: ResidualNoise) -> SubthresholdFit:
        jacobian, _, keep = self._linearised(state)
        assert state.products is not None
        n = len(self.mean)
        covariance = _inverse(state.products.gram[:-1, :-1] + self._precision())
        order, place = np.arange(n), state.place
        if n > 3 and place[4] < place[6]:  # the slow current is the first
            order = np.array([0, 1, 2, 5, 6, 3, 4])
        slopes = jacobian[:, order].copy()
        slopes[:, REST] = 0.0  # the course is above it
        course = self._course(state)
        return SubthresholdFit(
            self.level, self.columns, place[order], covariance[:n, :n][np.ix_(order, order)], noise,
            float(state.nuisance[0]), self.hum_hz, keep, course, slopes, state.begun,
            self._begun_sd(noise, keep),
            -0.5 * (state.products.log_det + float(state.products.gram[-1, -1])),
        )  # fmt: skip

    # What they are made of

    @property
    def n_stretches(self) -> int:
        return len(self.sweeps.starts)

    def _precision(self) -> np.ndarray:
        n = len(self.mean)
        precision = np.zeros((n + len(self.nuisance_precision),) * 2)
        precision[:n, :n] = self.prior_precision
        precision[n:, n:] = np.diag(self.nuisance_precision)
        return precision

    def _courses(
        self, keep: float, decay: np.ndarray, weight: np.ndarray, begun: np.ndarray
    ) -> np.ndarray:
        sweeps = self.sweeps
        out = np.zeros((len(sweeps.voltage_mv), FIRST_CURRENT + 2 * len(decay)))
        courses(sweeps.fed_na, *sweeps.places, sweeps.after_spike, keep, decay, weight, begun, out)
        return out

    def _products(
        self, blocks: list[np.ndarray], keep: float, noise: ResidualNoise, every: int = 1
    ) -> Products:
        return products(np.hstack(blocks), self.sweeps, keep, noise, every)

    def _parts(self, state: "_State") -> tuple[float, float, np.ndarray, np.ndarray]:
        """Membrane time constant in s, resistance in MOhm, the currents' amplitudes in nA and
        time constants in s."""
        place = state.place
        resistance_ohm = np.exp(place[RESISTANCE])
        amps_na = 1e9 * PLAIN_A * np.sinh(place[3::2])
        taus_s = np.exp(place[4::2])
        return np.exp(place[CAPACITANCE]) * resistance_ohm, 1e-6 * resistance_ohm, amps_na, taus_s

    def _course(self, state: "_State") -> np.ndarray:
        tau_s, resistance, amps, taus = self._parts(state)
        decay = np.exp(-self.sweeps.dt_s / taus)
        weight = resistance * np.concatenate([[1.0], amps])
        return self._courses(_keep(tau_s, self.sweeps.dt_s), decay, weight, state.begun)[:, DRIVEN]

    def _linearised(self, state: "_State") -> tuple[np.ndarray, np.ndarray, float]:
        """The fitted voltage's derivatives (N, P), the residual (N,), and the membrane's `keep`."""
        dt_s, n = self.sweeps.dt_s, self.n_currents
        tau_s, resistance, amps, taus = self._parts(state)
        keep, decay = _keep(tau_s, dt_s), np.exp(-dt_s / taus)
        weight = resistance * np.concatenate([[1.0], amps])
        out = self._courses(keep, decay, weight, state.begun)
        driven = out[:, FILTERED : FIRST_CURRENT + n] @ weight
        by_tau = out[:, OF_KEEP] * _keep_slope(tau_s, dt_s)
        jacobian = np.empty((len(out), 3 + 2 * n))
        jacobian[:, CAPACITANCE] = by_tau
        jacobian[:, RESISTANCE] = by_tau + driven
        jacobian[:, REST] = 1e3
        for j in range(n):
            slope = resistance * 1e9 * PLAIN_A * np.cosh(state.place[3 + 2 * j])
            jacobian[:, 3 + 2 * j] = slope * out[:, FIRST_CURRENT + j]
            by_decay = weight[1 + j] * decay[j] * dt_s / taus[j]
            jacobian[:, 4 + 2 * j] = by_decay * out[:, FIRST_CURRENT + n + j]
        added = 1e3 * state.place[REST] + self.nuisance @ state.nuisance
        return jacobian, self.sweeps.voltage_mv - out[:, DRIVEN] - added, keep

    def _rough_noise_mv(self) -> float:
        """From differences of second order, which a membrane's course has next to none of."""
        bent = np.diff(self.sweeps.voltage_mv, 2)
        bent = bent[np.isfinite(bent)]
        rough = float(np.median(np.abs(bent))) / 0.6745 / np.sqrt(6) if len(bent) else 0.0
        return max(rough, LEAST_MV)

    def _begun_sd(self, noise: ResidualNoise, keep: float) -> np.ndarray:
        """How well a stretch's first value is known from its samples, (S,), mV."""
        lengths = np.maximum(self.sweeps.stops - self.sweeps.starts, 1)
        fast = noise.fast_mv**2 + noise.slow_mv**2
        worth = np.clip(-np.expm1(2 * lengths * np.log(keep)) / (1 - keep**2), 1.0, None)
        return np.sqrt(noise.white_mv**2 / worth + fast)

    def _sines(self) -> tuple[np.ndarray, list[float]]:
        """Waves of the mains (N, 2 W) of each sweep, and their frequencies (W,)."""
        sweeps = self.sweeps
        n, rate_hz = len(sweeps.voltage_mv), sweeps.rate_hz
        ends = np.append(sweeps.sweep_starts[1:], n)
        if len(ends) > 8:
            return np.empty((n, 0)), []
        waves, of = [], []
        for begin, end in zip(sweeps.sweep_starts, ends, strict=True):
            phase = 2 * np.pi * np.arange(end - begin) / rate_hz
            for hz in HUM_HZ:
                pair = np.zeros((n, 2))
                pair[begin:end] = np.column_stack([np.cos(hz * phase), np.sin(hz * phase)])
                waves.append(pair)
                of.append(hz)
        return np.hstack(waves), of


@dataclass(frozen=True, eq=False)
class _State:
    """Where a fit stands."""

    place: np.ndarray  # (P,)
    nuisance: np.ndarray  # (U,)
    begun: np.ndarray  # (S,) above rest, mV
    products: Products | None = None


def _columns(level: int) -> np.ndarray:
    """Places in `quantities(level)` of those that act between spikes."""
    names = [quantity.name for quantity in quantities(level)]
    currents = [names.index(name) for name in AFTERSPIKE if name in names]
    return np.array([CAPACITANCE, RESISTANCE, REST, *currents])


def _inverse(precision: np.ndarray) -> np.ndarray:
    """Of a positive definite matrix whose rows are in many units."""
    scale = 1 / np.sqrt(np.diag(precision))
    values, vectors = np.linalg.eigh(precision * np.outer(scale, scale))
    inverse = (vectors / np.maximum(values, 1e-12)) @ vectors.T
    return inverse * np.outer(scale, scale)


def _keep(tau_s: float, dt_s: float) -> float:
    """What a membrane keeps over a sample, in Euler's steps of the models or shorter ones."""
    step_s = min(dt_s, 1 / SIMULATED_HZ)
    return float(np.clip(1 - step_s / tau_s, 1e-9, 1 - 1e-12) ** (dt_s / step_s))


def _keep_slope(tau_s: float, dt_s: float) -> float:
    """Its derivative by the logarithm of the time constant."""
    step_s = min(dt_s, 1 / SIMULATED_HZ)
    power = dt_s / step_s
    base = np.clip(1 - step_s / tau_s, 1e-9, 1.0)
    return float(power * base ** (power - 1) * step_s / tau_s)
