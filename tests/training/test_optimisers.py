"""Update rules against PyTorch and against the papers in plain NumPy."""

import math

import numpy as np
import pytest

from rnnbench.training import SGD, Adam, AdamW, RMSprop, Rprop, optimiser
from rnnbench.training.optimisers import OPTIMISERS
from rnnbench.training.updates import Optimiser
from tests import naive

STEPS, P = 50, 23
DEFAULTS = {
    "sgd": {"lr": 1e-3},
    "rmsprop": {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8},
    "adam": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "adamw": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 1e-2},
    "rprop": {"lr": 1e-2, "eta_minus": 0.5, "eta_plus": 1.2, "step_min": 1e-6, "step_max": 50.0},
}
# Ours, and PyTorch's class with its options.
PAIRS = {
    "sgd": (SGD(), "SGD", {}),
    "momentum": (SGD(lr=0.1, momentum=0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    "nesterov": (
        SGD(lr=0.1, momentum=0.8, nesterov=True),
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    ),
    "rmsprop": (RMSprop(), "RMSprop", {}),
    "rmsprop with momentum": (
        RMSprop(lr=0.05, alpha=0.9, eps=1e-3, momentum=0.7),
        "RMSprop",
        {"lr": 0.05, "alpha": 0.9, "eps": 1e-3, "momentum": 0.7},
    ),
    "adam": (Adam(), "Adam", {}),
    "adam with options": (
        Adam(lr=0.1, beta1=0.5, beta2=0.9, eps=1e-2),
        "Adam",
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-2},
    ),
    "adamw": (AdamW(), "AdamW", {}),
    "adamw with options": (AdamW(lr=0.1, weight_decay=0.3), "AdamW", {"lr": 0.1, "weight_decay": 0.3}),
    "rprop": (Rprop(), "Rprop", {}),
    "rprop with options": (
        Rprop(lr=0.3, eta_minus=0.7, eta_plus=1.9, step_min=0.1, step_max=0.4),
        "Rprop",
        {"lr": 0.3, "etas": (0.7, 1.9), "step_sizes": (0.1, 0.4)},
    ),
}
NAIVE = {
    "sgd": (SGD(lr=0.1), naive.sgd, {"lr": 0.1}),
    "momentum": (SGD(lr=0.1, momentum=0.9), naive.sgd, {"lr": 0.1, "momentum": 0.9}),
    "nesterov": (
        SGD(lr=0.1, momentum=0.9, nesterov=True),
        naive.sgd,
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "rmsprop": (RMSprop(lr=0.1), naive.rmsprop, {"lr": 0.1}),
    "adam": (Adam(lr=0.1), naive.adam, {"lr": 0.1}),
    "adamw": (AdamW(lr=0.1, weight_decay=0.2), naive.adam, {"lr": 0.1, "weight_decay": 0.2}),
    "rprop": (Rprop(lr=0.1), naive.rprop, {"lr": 0.1}),
}


def gradient(w, step):
    """Return the gradient of a bowl with noise and exact zeros, so that signs turn and vanish."""
    g = np.linspace(0.01, 3, w.size) * w + np.random.default_rng(step).normal(0, 0.3, w.size)
    g[step % w.size] = 0
    return g


def ours(optimiser, dtype=np.float64, **bounds):
    """Return the path of the parameters (STEPS, P)."""
    w = np.random.default_rng(99).normal(size=P).astype(dtype)
    update = optimiser.start(P, dtype, **bounds)
    path = []
    for step in range(STEPS):
        update(w, gradient(w.astype(float), step).astype(dtype))
        path.append(w.copy())
    return np.array(path)


@pytest.mark.peers
@pytest.mark.parametrize(("rule", "theirs", "options"), PAIRS.values(), ids=PAIRS.keys())
def test_as_torch_over_fifty_steps(rule, theirs, options):
    torch = pytest.importorskip("torch")
    w = torch.nn.Parameter(torch.tensor(np.random.default_rng(99).normal(size=P)))
    optim = getattr(torch.optim, theirs)([w], **options)
    path = []
    for step in range(STEPS):
        w.grad = torch.tensor(gradient(w.detach().numpy(), step))
        optim.step()
        path.append(w.detach().numpy().copy())
    np.testing.assert_allclose(ours(rule), path, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("rule", "slow", "options"), NAIVE.values(), ids=NAIVE.keys())
def test_as_the_papers_in_plain_numpy(rule, slow, options):
    path = ours(rule)
    start = np.random.default_rng(99).normal(size=P)
    before = [start, *path[:-1]]
    gradients = [gradient(w, step) for step, w in enumerate(before)]
    for steps in (1, 2, STEPS):
        np.testing.assert_allclose(
            path[steps - 1], slow(start, gradients[:steps], **options), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("name", OPTIMISERS)
def test_float32_follows_float64(name):
    single, double = ours(optimiser(name), np.float32), ours(optimiser(name))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=2e-3, atol=2e-4)
    assert np.abs(double[-1] - double[0]).max() > 1e-3


@pytest.mark.parametrize("name", OPTIMISERS)
def test_same_bits_twice_and_memory_made_once(name):
    assert ours(optimiser(name), np.float32).tobytes() == ours(optimiser(name), np.float32).tobytes()
    update = optimiser(name).start(P, np.float32)
    state, w = update.state, np.ones(P, np.float32)
    assert state.dtype == np.float32
    for _ in range(3):
        update(w, np.ones(P, np.float32))
    assert update.state is state


@pytest.mark.parametrize("bounds", [{"norm_bound": 0.1}, {"value_bound": 0.01}])
@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_clipping_changes_the_update(name, bounds):
    free, clipped = ours(optimiser(name, lr=0.1)), ours(optimiser(name, lr=0.1), **bounds)
    assert np.abs(free - clipped).max() > 0.1


def test_a_clipped_step_of_plain_descent_is_as_long_as_the_bound_allows():
    w = np.zeros(P)
    norm, clipped = SGD(lr=0.5).start(P, float, norm_bound=0.1)(w, np.full(P, 3.0))
    assert (norm, clipped) == (pytest.approx(3 * math.sqrt(P)), True)
    assert np.linalg.norm(w) == pytest.approx(0.5 * 0.1)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nothing_moves_where_the_gradient_is_not_finite(name, bad):
    update, w, g = optimiser(name).start(3, float), np.ones(3), np.array([1.0, bad, 1.0])
    state = update.state.copy()
    norm, clipped = update(w, g)
    assert not math.isfinite(norm) and not clipped
    assert w.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(update.state, state)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_defaults_are_torch_s(name):
    for option, value in DEFAULTS[name].items():
        assert getattr(optimiser(name), option) == value


def test_by_name_by_mapping_and_as_it_is():
    assert optimiser("adam", lr=0.1) == Adam(lr=0.1)
    assert optimiser({"name": "sgd", "momentum": 0.9}) == SGD(momentum=0.9)
    given = Rprop()
    assert optimiser(given) is given
    changed = optimiser(AdamW(weight_decay=0.5), lr=0.1)
    assert changed == AdamW(weight_decay=0.5, lr=0.1)
    assert issubclass(AdamW, Optimiser)


REFUSALS = [
    ("adm", {}, "optimizer=adm: must be one of sgd, rmsprop, adam, adamw, rprop (did you mean adam?)"),
    ("adam", {"momentum": 0.9}, "train.momentum=0.9: must be an option of Adam: lr, beta1, beta2, eps"),
    ("adam", {"lr": -1}, "train.lr=-1: must be a finite number of at least 0"),
    ("adam", {"lr": math.nan}, "train.lr=nan: must be a finite number of at least 0"),
    ("adam", {"lr": math.inf}, "train.lr=inf: must be a finite number of at least 0"),
    ("adam", {"lr": "0.1"}, "train.lr=0.1: must be a finite number of at least 0"),
    ("adam", {"lr": True}, "train.lr=True: must be a finite number of at least 0"),
    ("adam", {"beta2": 1.0}, "train.beta2=1.0: must lie in [0, 1)"),
    ("adamw", {"weight_decay": -1}, "train.weight_decay=-1: must be a finite number of at least 0"),
    ("rmsprop", {"alpha": 2}, "train.alpha=2: must lie in [0, 1)"),
    ("sgd", {"momentum": 1}, "train.momentum=1: must lie in [0, 1)"),
    ("sgd", {"nesterov": True}, "train.nesterov=True: must be false unless momentum is above 0"),
    ("sgd", {"nesterov": 1}, "train.nesterov=1: must be true or false"),
    ("rprop", {"eta_plus": 0.9}, "train.eta_plus=0.9: must be a finite number of at least 1"),
    ("rprop", {"step_max": 0}, "train.step_max=0: must be at least step_min=1e-06"),
]


@pytest.mark.parametrize(("name", "options", "message"), REFUSALS)
def test_refusals_in_one_line(name, options, message):
    with pytest.raises(ValueError) as refusal:
        optimiser(name, **options)
    assert str(refusal.value) == message
