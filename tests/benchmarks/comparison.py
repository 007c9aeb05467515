"""Our step against the peers': agreement first, then interleaved turns, then the facts of a point."""

from tests.benchmarks.turns import ROUNDS, interleaved
from tests.benchmarks.work import difference, merged

#: Relative distance of float32 gradients (and losses) that were summed in another order over many steps.
TOLERANCE = 1e-4
#: A point is met, whatever the ratio, when the step runs at this share of the peak.
ENOUGH_OF_PEAK = 0.65


def jax_peers(jax, functions, case, unrolls=(1, 8)):
    """Return the network written in JAX in each way, scans plain and unrolled; empty without JAX.

    Parameters
    ----------
    jax : module or None
        From `load_jax`.
    functions : sequence of str
        Names in `jax_networks`.
    case : Case
        What they compute.
    unrolls : sequence of int
        Unrollings to try.
    """
    if jax is None:
        return {}
    from tests.benchmarks import jax_networks
    from tests.benchmarks.jax_step import JaxNetwork

    return {
        f"jax {function}" + (f" unroll {unroll}" if len(unrolls) > 1 else ""): JaxNetwork(
            getattr(jax_networks, function), case, unroll
        )
        for function in functions
        for unroll in unrolls
    }


def check_agreement(case, peers):
    """Check that all compute the same loss and gradient; return the largest relative difference."""
    loss, gradient = case.loss_and_grad()
    worst = 0.0
    for name, peer in peers.items():
        its_loss, its_gradient = peer.loss_and_grad()
        apart = max(difference(its_gradient, merged(gradient)), abs(its_loss - loss) / loss)
        assert apart < TOLERANCE, f"{name} differs by {apart:.1e}"
        worst = max(worst, apart)
    return worst


def compare(benchmark, peak, case, peers, needed, kind="training_step", rounds=ROUNDS):
    """Time a case against its peers and the peak, and leave the facts in `benchmark.extra_info`.

    Parameters
    ----------
    benchmark : fixture
        Of pytest-benchmark.
    peak : Peak
        The register-only kernel, which takes its turn too.
    case : Case
        Ours.
    peers : dict of str to object
        With the methods `loss_and_grad` and `kind`.
    needed : float
        Ratio to the fastest peer at which the point is met.
    kind : "training_step" or "inference"
        What is timed.
    rounds : int
        Turns of each.
    """
    apart = check_agreement(case, peers)
    others = {"peak": peak, **{name: getattr(peer, kind)() for name, peer in peers.items()}}
    seconds = interleaved(benchmark, getattr(case, kind)(), others, rounds)
    rate = case.flops(kind == "training_step") / seconds["ours"]
    limit = peak.flops / peak.fastest
    # Well below 1, other work ran meanwhile.
    benchmark.extra_info["quiet"] = peak.fastest / seconds["peak"]
    ratios = {name: seconds[name] / seconds["ours"] for name in peers}
    facts = benchmark.extra_info
    facts["milliseconds"] = 1e3 * seconds["ours"]
    facts["gflops"], facts["peak_gflops"] = rate / 1e9, limit / 1e9
    facts["share_of_peak"], facts["enough_of_peak"] = rate / limit, ENOUGH_OF_PEAK
    facts["ratios"], facts["needed_ratio"] = ratios, needed
    if peers:
        facts["fastest_peer"] = min(ratios, key=ratios.get)
        facts["ratio"] = ratios[facts["fastest_peer"]]
        facts["gradient_difference"] = apart


def single(benchmark, row, measured, unit="", at_least=None, at_most=None):
    """Leave one measured number and its bound in `benchmark.extra_info`."""
    benchmark.extra_info.update(row=row, measured=measured, unit=unit, at_least=at_least, at_most=at_most)
