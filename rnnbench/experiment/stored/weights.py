"""The trained network of a stored run."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import Network, Parameters
from rnnbench.tracking import Store


def stored_network(store: Store, record: Mapping[str, Any]) -> tuple[Network, Parameters]:
    """Return the network of a run and the parameters that it reported, in the type they were trained in.

    Raises
    ------
    StoreError
        If its files are missing.
    """
    network = Network.from_dict(json.loads(store.read_file(record, "network.json")))
    weights = stored_weights(store, record)
    dtype = np.result_type(*(array.dtype for array in weights.values())) if weights else np.float32
    parameters = network.parameters(np.zeros(network.n_parameters, dtype))
    for name, array in weights.items():
        parameters[name] = array
    return network, parameters


def stored_weights(store: Store, record: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the weights that a run reported by name, in their order.

    Raises
    ------
    StoreError
        If its file is missing.
    """
    with np.load(io.BytesIO(store.read_file(record, "weights.npz")), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
