"""The trained network of a stored run."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

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
    with np.load(io.BytesIO(store.read_file(record, "weights.npz")), allow_pickle=False) as weights:
        dtype = np.result_type(*(weights[name].dtype for name in weights)) if weights.files else np.float32
        parameters = network.parameters(np.zeros(network.n_parameters, dtype))
        for name in weights.files:
            parameters[name] = weights[name]
    return network, parameters
