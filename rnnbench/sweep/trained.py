"""The trained network of a stored run."""

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import Network, Parameters
from rnnbench.store import StoreError, Study


def stored_network(study: Study, key: str) -> tuple[Network, Parameters]:
    """Return the network of a run and the parameters that it reported, in the type they were trained in.

    Raises
    ------
    StoreError
        Its files are missing or damaged.
    """
    weights = stored_weights(study, key)
    try:
        network = Network.from_dict(json.loads(study.read_file(key, "network.json")))
        dtype = np.result_type(*(array.dtype for array in weights.values())) if weights else np.float32
        parameters = network.parameters(np.zeros(network.n_parameters, dtype))
        for name, array in weights.items():
            parameters[name] = array
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise StoreError(
            f"run {study.name}/{key}: network.json and weights.npz do not fit ({error})"
        ) from error
    return network, parameters


def stored_weights(study: Study, key: str) -> dict[str, NDArray[Any]]:
    """Return the weights that a run reported by name, in their order.

    Raises
    ------
    StoreError
        Its file is missing or damaged.
    """
    return stored_arrays(study, key, "weights.npz")


def stored_arrays(study: Study, key: str, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a run's `.npz` file by name; a file that is missing or damaged is a StoreError."""
    raw = study.read_file(key, name)
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            return {part: file[part] for part in file.files}
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds at damaged bytes
        raise StoreError(f"run {study.name}/{key}: {name} is damaged") from error
