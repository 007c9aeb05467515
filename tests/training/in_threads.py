"""Several seeds of one network, each trained in a thread of its own."""

from concurrent.futures import ThreadPoolExecutor

from rnnbench.training import drain, fit


def fit_in_threads(net, task, seeds, threads, **options):
    """Return the results in the order of `seeds`; an exception of a seed is raised."""
    with ThreadPoolExecutor(threads) as executor:
        futures = [executor.submit(lambda s=seed: drain(fit(net, task, seed=s, **options))) for seed in seeds]
        return [future.result() for future in futures]
