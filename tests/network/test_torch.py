"""Parity with ``torch.nn.RNN`` where torch is installed: values and every gradient."""

import numpy as np
import pytest

from tests.network import textbook
from tests.network.comparing import random_parameters

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.peers
T, B, N_IN, H, N_OUT = 7, 3, 4, 5, 2


def copied(module, pairs):
    """Copy our arrays (source, target) into PyTorch's transposed ones."""
    with torch.no_grad():
        for name, a in pairs.items():
            getattr(module, name).copy_(torch.from_numpy(np.ascontiguousarray(a.T if a.ndim == 2 else a)))


def both(net, layers, directions, cells, heads):
    """Run ours and theirs; return {our name: (our gradient, their gradient)}, outputs and gradients of x."""
    rng = np.random.default_rng(0)
    params, x, dy = random_parameters(net, rng), rng.normal(size=(T, B, N_IN)), rng.normal(size=(T, B, N_OUT))
    rnn = torch.nn.RNN(N_IN, H, num_layers=layers, bidirectional=directions == 2, dtype=torch.float64)
    head = torch.nn.Linear(H * directions, N_OUT, dtype=torch.float64)
    copied(rnn, {theirs: params[ours] for ours, theirs in cells.items()})
    with torch.no_grad():
        for name in dict(rnn.named_parameters()):
            if name.startswith("bias_hh"):
                getattr(rnn, name).zero_()
    copied(head, {"weight": np.concatenate([params[name] for name in heads]), "bias": params["y.bias"]})
    x_theirs = torch.tensor(x, requires_grad=True)
    h0 = torch.zeros(layers * directions, B, H, dtype=torch.float64, requires_grad=True)
    h, _ = rnn(x_theirs, h0)
    y = head(h)
    y.backward(torch.from_numpy(dy))
    gradient, dx, _ = net.backward(params, x, dy)
    np.testing.assert_allclose(net.forward(params, x), y.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(dx, x_theirs.grad.numpy(), rtol=1e-9, atol=1e-12)
    theirs = {ours: getattr(rnn, name).grad.numpy() for ours, name in cells.items()}
    theirs = {ours: a.T if a.ndim == 2 else a for ours, a in theirs.items()}
    blocks = np.split(head.weight.grad.numpy().T, directions)
    theirs |= dict(zip(heads, blocks, strict=True)) | {"y.bias": head.bias.grad.numpy()}
    assert set(theirs) == set(gradient.keys())
    for name, g in theirs.items():
        np.testing.assert_allclose(gradient[name], g, rtol=1e-9, atol=1e-12, err_msg=name)


def test_rnn():
    cells = {"x->h": "weight_ih_l0", "h->h@1": "weight_hh_l0", "h.bias": "bias_ih_l0"}
    both(textbook.rnn(N_IN, [H], N_OUT), 1, 1, cells, ["h->y"])


def test_rnn_of_two_layers():
    cells = {
        "x->h1": "weight_ih_l0", "h1->h1@1": "weight_hh_l0", "h1.bias": "bias_ih_l0",
        "h1->h2": "weight_ih_l1", "h2->h2@1": "weight_hh_l1", "h2.bias": "bias_ih_l1",
    }  # fmt: skip
    both(textbook.rnn(N_IN, [H, H], N_OUT), 2, 1, cells, ["h2->y"])


def test_brnn():
    cells = {
        "x->f": "weight_ih_l0", "f->f@1": "weight_hh_l0", "f.bias": "bias_ih_l0",
        "x->b": "weight_ih_l0_reverse", "b->b@-1": "weight_hh_l0_reverse", "b.bias": "bias_ih_l0_reverse",
    }  # fmt: skip
    both(textbook.brnn(N_IN, H, H, N_OUT), 1, 2, cells, ["f->y", "b->y"])


def test_brnn_of_padded_sequences():
    """PyTorch's packed sequences: the backward net starts at each sequence's own end."""
    net = textbook.brnn(N_IN, H, H, N_OUT)
    rng = np.random.default_rng(0)
    params, x, lengths = random_parameters(net, rng), rng.normal(size=(T, B, N_IN)), np.array([T, 2, 5])
    rnn = torch.nn.RNN(N_IN, H, bidirectional=True, dtype=torch.float64)
    with torch.no_grad():
        for name in ("bias_hh_l0", "bias_hh_l0_reverse"):
            getattr(rnn, name).zero_()
    for ours, suffix, back in (("f", "", "f->f@1"), ("b", "_reverse", "b->b@-1")):
        copied(rnn, {"weight_ih_l0" + suffix: params[f"x->{ours}"], "weight_hh_l0" + suffix: params[back],
                     "bias_ih_l0" + suffix: params[f"{ours}.bias"]})  # fmt: skip
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.from_numpy(x), torch.from_numpy(lengths), enforce_sorted=False
    )
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(rnn(packed)[0])
    values = net.values(params, x, lengths=lengths)
    np.testing.assert_allclose(
        np.concatenate([values["f"], values["b"]], axis=2), h.detach().numpy(), rtol=1e-10, atol=1e-12
    )
