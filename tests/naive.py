"""The papers' equations in plain loops: slow, obvious, importing nothing of rnnbench.

Five parts, each of them checked against the compiled engine by the tests:

1. the textbook networks, one function each, in the symbols of the lecture notes. One sequence at a time
   ("will only focus on one training instance"), rows are steps;
2. their gradients by hand: back-propagation through time as the notes write it, one-step gradients for Elman;
3. the general network of boxes and arrows, as a recursive definition: a value asks for the values it needs;
4. the losses, and the oracle of the gate: central differences of a forward pass in which every value behind
   a closed gate is a recorded constant;
5. the optimisers.

Weights follow the vocabulary: W has shape (source size, target size), a row of values is multiplied from the
left.
"""

import numpy as np

# --------------------------------------------------------------------------------------- activations


def softmax(z):
    """``exp(z_i) / sum_j exp(z_j)`` over the last axis, of any number of leading axes."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "linear": lambda z: z,
    "tanh": np.tanh,
    "sigmoid": lambda z: np.exp(-np.logaddexp(0.0, -z)),
    "relu": lambda z: np.where(z < 0, 0.0, z),
    "square": lambda z: z * z,
    "softmax": softmax,
}


def jacobian(activation, z):
    """Jacobian(h, z): matrix of d h_i / d z_j at one pre-activation ``z : ndarray (H,)``."""
    h = ACTIVATIONS[activation](z)
    if activation == "softmax":
        return np.diag(h) - np.outer(h, h)
    derivative = {
        "linear": np.ones_like(z),
        "tanh": 1 - h**2,
        "sigmoid": h * (1 - h),
        "relu": (z > 0).astype(float),
        "square": 2 * z,
    }[activation]
    return np.diag(derivative)


# ------------------------------------------------------------------------------------ textbook networks


def mlp(x, U, b, V, c, phi="tanh", sigma="linear"):
    """One to one: h(t) = phi(x(t) U + b), y(t) = sigma(h(t) V + c). Returns h (T,H) and y (T,O)."""
    h, y = [], []
    for t in range(len(x)):
        h.append(ACTIVATIONS[phi](x[t] @ U + b))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
    return np.array(h), np.array(y)


def tdnn(x, taps, b, V, c, phi="tanh", sigma="linear"):
    """Finite response, Y_t = f(X_t, X_{t-1}, ..., X_{t-N}): ``taps[k]`` weighs x(t-k), N+1 of them."""
    h, y = [], []
    for t in range(len(x)):
        z = b.copy()
        for k, U in enumerate(taps):
            if t - k >= 0:
                z = z + x[t - k] @ U
        h.append(ACTIVATIONS[phi](z))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
    return np.array(h), np.array(y)


def narx(x, input_taps, output_taps, b, V, c, phi="tanh", sigma="linear", teacher=None):
    """Y_t = f(X_t, ..., X_{t-L}, Y_{t-1}, ..., Y_{t-K}); outputs before the sequence are zero.

    ``input_taps[k]`` weighs x(t-k), ``output_taps[k-1]`` weighs y(t-k). With ``teacher`` (T,O),
    series-parallel: the desired outputs are fed back instead of the network's own.
    """
    h, y = [], []
    for t in range(len(x)):
        z = b.copy()
        for k, U in enumerate(input_taps):
            if t - k >= 0:
                z = z + x[t - k] @ U
        for k, W in enumerate(output_taps, start=1):
            if t - k >= 0:
                z = z + (y[t - k] if teacher is None else teacher[t - k]) @ W
        h.append(ACTIVATIONS[phi](z))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
    return np.array(h), np.array(y)


def jordan(x, U, W, b, V, c, mu, average=False, phi="tanh", sigma="linear"):
    """Running average of past outputs: m(t) = mu m(t-1) + g y(t-1), h(t) = phi(x(t) U + m(t) W + b).

    g is 1, or 1 - mu with ``average``. Returns m (T,O), h (T,H) and y (T,O); memory and output start at zero.
    """
    m, h, y = [], [], []
    for t in range(len(x)):
        if t == 0:
            m.append(np.zeros(V.shape[1]))
        else:
            m.append(mu * m[t - 1] + (1 - mu if average else 1.0) * y[t - 1])
        h.append(ACTIVATIONS[phi](x[t] @ U + m[t] @ W + b))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
    return np.array(m), np.array(h), np.array(y)


def top_down(x, U, W, b, V, c, phi="tanh", sigma="linear", before=None):
    """Seed 003's Jordan type: h(t) = phi(x(t) U + y(t-1) W + b), y(t) = sigma(h(t) V + c)."""
    h, y = [], []
    previous = np.zeros(V.shape[1]) if before is None else before
    for t in range(len(x)):
        h.append(ACTIVATIONS[phi](x[t] @ U + previous @ W + b))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
        previous = y[t]
    return np.array(h), np.array(y)


def deep_top_down(x, layers, V, c, phi="tanh", sigma="linear"):
    """Deep top-down recurrence: h^l(t) = phi(h^{l-1}(t) U^l + h^{l+1}(t-1) W^l + b^l), h^L = y (seed 003).

    ``layers`` is a list of (U, W, b). Returns a list of h^l (T,H_l) and y (T,O).
    """
    sizes = [b.size for _, _, b in layers] + [c.size]
    h = [[] for _ in layers]
    y = []
    for t in range(len(x)):
        below = x[t]
        for level, (U, W, b) in enumerate(layers):
            if t == 0:
                above = np.zeros(sizes[level + 1])
            else:
                above = y[t - 1] if level + 1 == len(layers) else h[level + 1][t - 1]
            below = ACTIVATIONS[phi](below @ U + above @ W + b)
            h[level].append(below)
        y.append(ACTIVATIONS[sigma](below @ V + c))
    return [np.array(values) for values in h], np.array(y)


def elman(x, U, W, b, V, c, phi="tanh", sigma="linear", context=None):
    """Elman 1990: context units hold a copy of the last hidden values; h(t) = phi(x(t) U + context(t) W + b).

    Returns context (T,H), h (T,H) and y (T,O).
    """
    contexts, h, y = [], [], []
    context = np.zeros(b.size) if context is None else context
    for t in range(len(x)):
        contexts.append(context)
        h.append(ACTIVATIONS[phi](x[t] @ U + context @ W + b))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
        context = h[t].copy()
    return np.array(contexts), np.array(h), np.array(y)


def RNN_forward(Wc, Wr, b, hinit, x, phi="tanh"):
    """Seed 002, "define forward recurrence": returns h, z; ``h[l]`` (T+1,H_l) has h(-1) in its last row.

    Wc, Wr, b, hinit are lists over the layers l = 1..L. Python's index -1 is the notes' time -1.
    """
    T, L = len(x), len(Wc)
    h = [np.zeros((T + 1, b[layer].size)) for layer in range(L)]
    z = [np.zeros((T, b[layer].size)) for layer in range(L)]
    for layer in range(L):
        h[layer][-1] = hinit[layer]
    for t in range(T):
        below = x[t]
        for layer in range(L):
            z[layer][t] = below @ Wc[layer] + h[layer][t - 1] @ Wr[layer] + b[layer]
            h[layer][t] = ACTIVATIONS[phi](z[layer][t])
            below = h[layer][t]
    return h, z


def rnn(x, Wc, Wr, b, hinit, W_out, b_out, phi="tanh", sigma="linear"):
    """State space, L layers: h^l(t) = phi(h^{l-1}(t) Wc + h^l(t-1) Wr + b), y(t) = sigma(h^L(t) W + b)."""
    h, _ = RNN_forward(Wc, Wr, b, hinit, x, phi)
    y = [ACTIVATIONS[sigma](h[-1][t] @ W_out + b_out) for t in range(len(x))]
    return [values[: len(x)] for values in h], np.array(y)


def rnn_with_skips(x, W01, W11, b1, W12, W02, W22, b2, W23, W13, b3, sigma="linear"):
    """Seed 002's two layers with skips: x also feeds layer 2, layer 1 also feeds the output."""
    h1, h2, y = [], [], []
    before1, before2 = np.zeros(b1.size), np.zeros(b2.size)
    for t in range(len(x)):
        h1.append(np.tanh(x[t] @ W01 + before1 @ W11 + b1))
        h2.append(np.tanh(h1[t] @ W12 + x[t] @ W02 + before2 @ W22 + b2))
        y.append(ACTIVATIONS[sigma](h2[t] @ W23 + h1[t] @ W13 + b3))
        before1, before2 = h1[t], h2[t]
    return np.array(h1), np.array(h2), np.array(y)


def rnn_of_order(x, U, taps, b, initial, V, c, phi="tanh", sigma="linear"):
    """Deeper recurrence: h(t) = phi(x(t) U + sum_k h(t-k) taps[k-1] + b); ``initial[k-1]`` is h(-k)."""
    h, y = [], []
    for t in range(len(x)):
        z = x[t] @ U + b
        for k, W in enumerate(taps, start=1):
            z = z + (h[t - k] if t - k >= 0 else initial[k - t - 1]) @ W
        h.append(ACTIVATIONS[phi](z))
        y.append(ACTIVATIONS[sigma](h[t] @ V + c))
    return np.array(h), np.array(y)


def fliplr(a):
    """Flip a sequence in time."""
    return a[::-1].copy()


def brnn(x, forward, backward, V_f, V_b, c, sigma="linear"):
    """Bidirectional block and output: h(t) = [h_f(t); h_b(t)], the backward net run on the flipped sequence.

    ``forward`` and ``backward`` are (Wc, Wr, b, hinit), lists over layers. Returns h_f, h_b of the top layers
    and y.
    """
    T = len(x)
    h_f, _ = RNN_forward(*forward, x)
    h_brev, _ = RNN_forward(*backward, fliplr(x))
    top_f, top_b = h_f[-1][:T], fliplr(h_brev[-1][:T])
    y = [ACTIVATIONS[sigma](top_f[t] @ V_f + top_b[t] @ V_b + c) for t in range(T)]
    return top_f, top_b, np.array(y)


def tdnn_of_layers(x, layers, V, c, phi="tanh", sigma="linear", pooled=False):
    """Waibel et al.: layer l sees a window of the layer below, ``layers`` is a list of (taps, b).

    With ``pooled`` the output reads the sum over time of the top layer. Returns the top layer (or the sum)
    and y. Layers are zero before the sequence.
    """
    below = x
    for taps, b in layers:
        below, _ = tdnn(below, taps, b, np.zeros((b.size, 1)), np.zeros(1), phi)
    if pooled:
        below = np.array([below[: t + 1].sum(axis=0) for t in range(len(x))])
    return below, np.array([ACTIVATIONS[sigma](row @ V + c) for row in below])


def narx_with_lags(x, inputs, outputs, b, V, c, teacher=None, switch=0, before=None, sigma="linear"):
    """NARX with any lags: ``inputs`` and ``outputs`` are {lag: W}; targets are fed before step ``switch``.

    ``before[k-1]`` is y(-k), zero by default. Returns what was fed back (T,O) and y (T,O).
    """
    fed, y = [], []
    for t in range(len(x)):
        z = b.copy()
        for lag, U in inputs.items():
            if t >= lag:
                z = z + x[t - lag] @ U
        for lag, W in outputs.items():
            if t >= lag:
                z = z + fed[t - lag] @ W
            elif before is not None:
                z = z + before[lag - t - 1] @ W
        y.append(ACTIVATIONS[sigma](np.tanh(z) @ V + c))
        fed.append(teacher[t] if t < switch else y[t])
    return np.array(fed), np.array(y)


def deep_jordan(x, layers, W, V, c, mu, sigma="linear"):
    """Running average of past outputs into the first of several layers, ``layers`` a list of (U, b)."""
    y = []
    m = np.zeros(V.shape[1])
    for t in range(len(x)):
        if t > 0:
            m = mu * m + y[t - 1]
        h = x[t]
        for level, (U, b) in enumerate(layers):
            h = np.tanh(h @ U + b + (m @ W if level == 0 else 0.0))
        y.append(ACTIVATIONS[sigma](h @ V + c))
    return np.array(y)


def explicit_memory(x, W_y, W_h, W_m, b_m, U, M, b, V, c, recall="tanh", sigma="linear", before=None):
    """m(t) = r(y(t-1), h(t-1), m(t-1)), h(t) = f(x(t), m(t)), y(t) = g(h(t)) (seed 002).

    ``before`` is (y, h, m) at time -1, zero by default. Returns m, h and y.
    """
    m, h, y = [], [], []
    last_y, last_h, last_m = before or (np.zeros(c.size), np.zeros(b.size), np.zeros(b_m.size))
    for t in range(len(x)):
        last_m = ACTIVATIONS[recall](last_y @ W_y + last_h @ W_h + last_m @ W_m + b_m)
        last_h = np.tanh(x[t] @ U + last_m @ M + b)
        last_y = ACTIVATIONS[sigma](last_h @ V + c)
        m.append(last_m)
        h.append(last_h)
        y.append(last_y)
    return np.array(m), np.array(h), np.array(y)


def rnn_with_everything(x, layers, feedback, readout, c, sigma="linear"):
    """Layers with a recurrence of any order, skips, and feedback of the output into the first layer.

    ``layers`` holds for each layer (U from below, U from x or None, [W at lag 1, W at lag 2, ...], b,
    initial) with initial[k-1] = h(-k); ``feedback`` is {lag: W} with y zero before the sequence; ``readout``
    is {layer: V} with layers counted from 0. Returns a list of h (T,H_l) and y (T,O).
    """
    h, y = [[] for _ in layers], []
    for t in range(len(x)):
        below = x[t]
        for level, (U, skip, taps, b, initial) in enumerate(layers):
            z = below @ U + b
            if skip is not None:
                z = z + x[t] @ skip
            for k, W in enumerate(taps, start=1):
                z = z + (h[level][t - k] if t >= k else initial[k - t - 1]) @ W
            if level == 0:
                for lag, W in feedback.items():
                    if t >= lag:
                        z = z + y[t - lag] @ W
            below = np.tanh(z)
            h[level].append(below)
        y.append(ACTIVATIONS[sigma](sum(h[level][t] @ V for level, V in readout.items()) + c))
    return [np.array(values) for values in h], np.array(y)


def brnn_of_blocks(x, blocks, V_f, V_b, c, sigma="linear"):
    """Bidirectional blocks stacked, a (forward, backward) each: a block reads [h_f; h_b] of the one below.

    The first weights of a net of the second block on have the rows of h_f above those of h_b.
    """
    T = len(x)
    for forward, backward in blocks:
        h_f, _ = RNN_forward(*forward, x)
        h_brev, _ = RNN_forward(*backward, fliplr(x))
        x = np.hstack([h_f[-1][:T], fliplr(h_brev[-1][:T])])
    return np.array([ACTIVATIONS[sigma](row @ np.vstack([V_f, V_b]) + c) for row in x])


def embedded(indices, E):
    """Embedding layer: symbol i is replaced by row i of E, which is what its one-hot vector times E is."""
    return np.array([E[i] for i in indices])


# ------------------------------------------------------------------------- gradients written by hand


def bptt_of_seed_002(x, dY, W1, W11, b1, h_before, W2, b2, phi="tanh", sigma="linear"):
    """One hidden layer, the notes' loop "for t = T downto 0", given dY(t), the gradient of DIV at Y(t).

    Returns a dict of gradients under the notes' names: W1, W11, b1, W2, b2, h(-1), and X.
    """
    (h,), (Z1,) = RNN_forward([W1], [W11], [b1], [h_before], x, phi)
    T = len(x)
    Z2 = [h[t] @ W2 + b2 for t in range(T)]
    g = {
        name: np.zeros_like(a)
        for name, a in {"W1": W1, "W11": W11, "b1": b1, "W2": W2, "b2": b2, "X": x}.items()
    }
    grad_Z1_next = np.zeros(b1.size)
    for t in reversed(range(T)):
        grad_Z2 = dY[t] @ jacobian(sigma, Z2[t])
        grad_h = W2 @ grad_Z2 + W11 @ grad_Z1_next
        grad_Z1 = grad_h @ jacobian(phi, Z1[t])
        g["W2"] += np.outer(h[t], grad_Z2)
        g["W11"] += np.outer(h[t - 1], grad_Z1)
        g["W1"] += np.outer(x[t], grad_Z1)
        g["b2"] += grad_Z2
        g["b1"] += grad_Z1
        g["X"][t] = W1 @ grad_Z1
        grad_Z1_next = grad_Z1
    g["h(-1)"] = W11 @ grad_Z1_next
    return g


def bptt_of_seed_003(x, d, U, W, b, V, c, softmax_output):
    """Equations (A) to (E) and the five sums of seed 003: tanh hidden layer, J summed over steps.

    ``d`` is a label per step for softmax, else a row of targets (J(t) = ||d(t) - u(t)||^2 / 2).
    Returns a dict with keys U, V, W, b, c.
    """
    T = len(x)
    h = np.zeros((T + 1, b.size))
    u = np.zeros((T, c.size))
    for t in range(T):
        h[t] = np.tanh(x[t] @ U + h[t - 1] @ W + b)
        u[t] = h[t] @ V + c
    grad_u = np.zeros_like(u)
    for t in range(T):
        if softmax_output:
            grad_u[t] = -((np.arange(c.size) == d[t]) - softmax(u[t]))
        else:
            grad_u[t] = -(d[t] - u[t])
    grad_h = np.zeros((T, b.size))
    grad_h[T - 1] = V @ grad_u[T - 1]  # (A)
    for t in reversed(range(T - 1)):
        grad_h[t] = W @ np.diag(1 - h[t + 1] ** 2) @ grad_h[t + 1] + V @ grad_u[t]  # (E)
    grad_z = [np.diag(1 - h[t] ** 2) @ grad_h[t] for t in range(T)]
    return {
        "c": sum(grad_u[t] for t in range(T)),
        "b": sum(grad_z[t] for t in range(T)),
        "V": sum(np.outer(h[t], grad_u[t]) for t in range(T)),
        "W": sum(np.outer(h[t - 1], grad_z[t]) for t in range(T)),
        "U": sum(np.outer(x[t], grad_z[t]) for t in range(T)),
    }


def RNN_bptt(Wc, Wr, b, hinit, x, dh_top, phi="tanh"):
    """Seed 002, "backprop through a recurrent net": dx, dWc, dWr, db, dh(-1), lists over the layers."""
    h, z = RNN_forward(Wc, Wr, b, hinit, x, phi)
    T, L = len(x), len(Wc)
    dh = [np.zeros_like(values) for values in h]  # row -1 is again time -1
    dx = np.zeros_like(x)
    dWc, dWr, db = ([np.zeros_like(a) for a in arrays] for arrays in (Wc, Wr, b))
    for t in reversed(range(T)):
        dh[L - 1][t] += dh_top[t]
        for layer in reversed(range(L)):
            dz = dh[layer][t] @ jacobian(phi, z[layer][t])
            below = x[t] if layer == 0 else h[layer - 1][t]
            if layer == 0:
                dx[t] += Wc[layer] @ dz
            else:
                dh[layer - 1][t] += Wc[layer] @ dz
            dh[layer][t - 1] += Wr[layer] @ dz
            dWc[layer] += np.outer(below, dz)
            dWr[layer] += np.outer(h[layer][t - 1], dz)
            db[layer] += dz
    return dx, dWc, dWr, db, [values[-1] for values in dh]


def brnn_bptt(x, forward, backward, V_f, V_b, c, dY, sigma="linear"):
    """Backprop of the bidirectional block: two calls of RNN_bptt and fliplr; dx = dx_f + dx_b.

    Returns a dict: "V_f", "V_b", "c", "forward", "backward" (each dx, dWc, dWr, db, dh(-1)) and "dx".
    """
    T = len(x)
    h_f, h_b, _ = brnn(x, forward, backward, V_f, V_b, c, sigma)
    dz = [dY[t] @ jacobian(sigma, h_f[t] @ V_f + h_b[t] @ V_b + c) for t in range(T)]
    dh_f = np.array([V_f @ dz[t] for t in range(T)])
    dh_b = np.array([V_b @ dz[t] for t in range(T)])
    f = RNN_bptt(*forward, x, dh_f)
    b = RNN_bptt(*backward, fliplr(x), fliplr(dh_b))
    return {
        "V_f": sum(np.outer(h_f[t], dz[t]) for t in range(T)),
        "V_b": sum(np.outer(h_b[t], dz[t]) for t in range(T)),
        "c": sum(dz),
        "forward": f,
        "backward": b,
        "dx": f[0] + fliplr(b[0]),
    }


def elman_gradient(x, dY, U, W, b, V, c, sigma="linear"):
    """Elman's training: "a set of T independent 1-step history nets", each an MLP on [x(t); context(t)]."""
    contexts, h, _ = elman(x, U, W, b, V, c, "tanh", sigma)
    both = np.vstack([U, W])
    g = {name: np.zeros_like(a) for name, a in {"both": both, "b": b, "V": V, "c": c}.items()}
    for t in range(len(x)):
        inputs = np.concatenate([x[t], contexts[t]])
        dz_out = dY[t] @ jacobian(sigma, h[t] @ V + c)
        dz = (V @ dz_out) * (1 - h[t] ** 2)
        g["both"] += np.outer(inputs, dz)
        g["b"] += dz
        g["V"] += np.outer(h[t], dz_out)
        g["c"] += dz_out
    return {"U": g["both"][: len(U)], "W": g["both"][len(U) :], "b": g["b"], "V": g["V"], "c": g["c"]}


# -------------------------------------------------------------------------------- boxes and arrows


def arrow_name(arrow):
    """The parameter name of an arrow: "x->h", "h->h@1", "b->b@-1"."""
    return f"{arrow['source']}->{arrow['target']}" + (f"@{arrow['lag']}" if arrow["lag"] else "")


def slots(net, box):
    """Number of values before and after the sequence that somebody reads from a box (or from "x")."""
    lags = [arrow["lag"] for arrow in net["arrows"] if arrow["source"] == box]
    return max([0, *lags]), max([0, *(-lag for lag in lags)])


def parameter_shapes(net):
    """Names and shapes in the order of the public vector: by target box, arrows, bias, initial, final."""
    sizes = {"x": net["n_in"]} | {box["name"]: box["size"] for box in net["boxes"]}
    shapes = {}
    for box in net["boxes"]:
        name = box["name"]
        for arrow in net["arrows"]:
            if arrow["target"] == name and arrow["weight"] == "learned":
                shapes[arrow_name(arrow)] = (sizes[arrow["source"]], sizes[name])
        if box["bias"]:
            shapes[name + ".bias"] = (sizes[name],)
        if net["initial"] == "learned":
            before, after = slots(net, name)
            if before:
                shapes[name + ".initial"] = (before, sizes[name])
            if after:
                shapes[name + ".final"] = (after, sizes[name])
    return shapes


class Pass:
    """One forward pass: values by box, step and sequence, computed when asked for and then remembered.

    Parameters
    ----------
    net : dict
        {"n_in", "output", "initial", "boxes": [{name, size, activation, bias}],
        "arrows": [{source, target, lag, cut_every, weight}]}
    parameters : dict of ndarray
        Under the names of ``parameter_shapes``. Any array here, and x and the state, may carry leading axes
        (several variants at once); they broadcast through the whole pass.
    x : ndarray (T, B, I), or (T, B) integer
    target : ndarray (T, B, O), (T, B) integer, or None
    loop : "closed", "open" or the step t0 from which the network's own output is fed back
    weight : ndarray (T, B) or None
        Weight 0 = the target of that step is not known.
    lengths : sequence of B int, or None
    state : dict or None
        {box or "x": (slots, B, size)} values before the sequence, row 0 is t = -1; "step": steps consumed.
        A float "x" here; rows of the output box are what was fed back.
    frozen : Pass or None
        Values behind closed gates are taken from this earlier pass.
    """

    def __init__(
        self,
        net,
        parameters,
        x,
        target=None,
        loop="closed",
        weight=None,
        lengths=None,
        state=None,
        frozen=None,
    ):
        self.net, self.parameters, self.target, self.loop, self.weight = net, parameters, target, loop, weight
        self.x = np.eye(net["n_in"])[x] if np.issubdtype(np.asarray(x).dtype, np.integer) else np.asarray(x)
        self.T, self.B = self.x.shape[-3:-1]
        self.lengths = [self.T] * self.B if lengths is None else [int(n) for n in lengths]
        self.state = {} if state is None else state
        self.frozen = frozen
        self.boxes = {box["name"]: box for box in net["boxes"]}
        self.remembered = {}

    def value(self, box, t, s):
        """Value of a box at step t of sequence s, 0 <= t < length."""
        if (box, t, s) not in self.remembered:
            z = np.zeros(self.boxes[box]["size"])
            if self.boxes[box]["bias"]:
                z = z + self.parameters[box + ".bias"]
            for arrow in self.net["arrows"]:
                if arrow["target"] == box:
                    seen = self.seen(arrow, t, s)
                    if arrow["weight"] == "learned":
                        W = self.parameters[arrow_name(arrow)]
                        z = z + (seen[..., None, :] @ W)[..., 0, :]
                    else:
                        z = z + arrow["weight"] * seen
            self.remembered[box, t, s] = ACTIVATIONS[self.boxes[box]["activation"]](z)
        return self.remembered[box, t, s]

    def seen(self, arrow, t, s):
        """What the source of an arrow offers to its target's step t: a row of values."""
        source, k = arrow["source"], t - arrow["lag"]
        if k < 0:
            # A carried value was computed in an earlier step of the stream; an initial one is a parameter.
            carried = self.frozen is not None and source in self.frozen.state
            computed = source != "x" and carried and k + self.offset(s) >= 0
            cut = computed and self.closed(arrow, t, s)
            return (self.frozen if cut else self).before(source, -1 - k, s)
        if k >= self.lengths[s]:
            return self.after(source, k - self.lengths[s], s)
        if source == "x":
            return self.x[..., k, s, :]
        where = self
        if self.frozen is not None and self.closed(arrow, t, s):
            where = self.frozen
        return (
            where.fed(k, s)
            if source == self.net["output"] and arrow["lag"] != 0
            else where.value(source, k, s)
        )

    def fed(self, t, s):
        """What lagged arrows out of the output box read: the target where it is to be used and known."""
        if self.loop == "closed" or (self.loop != "open" and t >= self.loop) or not self.known(t, s):
            return self.value(self.net["output"], t, s)
        if self.target.ndim == 2:
            return np.eye(self.boxes[self.net["output"]]["size"])[self.target[t, s]]
        return self.target[t, s]

    def known(self, t, s):
        """Whether the target of a step is known: inside the sequence, weight not 0, no NaN."""
        if (
            self.target is None
            or t >= self.lengths[s]
            or (self.weight is not None and self.weight[t, s] == 0)
        ):
            return False
        return not np.isnan(self.target[t, s]).any()

    def before(self, box, row, s):
        """Value at time -1 - row: carried state, else the learned initial value, else zero; x is zero."""
        if box in self.state:
            return self.state[box][..., row, s, :]
        if box + ".initial" in self.parameters:
            return self.parameters[box + ".initial"][..., row, :]
        return np.zeros(self.net["n_in"] if box == "x" else self.boxes[box]["size"])

    def after(self, box, row, s):
        """Value row + 1 steps after the last one: the learned final value, else zero; x is zero."""
        final = self.parameters.get(box + ".final")
        if final is not None and row < final.shape[-2]:
            return final[..., row, :]
        return np.zeros(self.net["n_in"] if box == "x" else self.boxes[box]["size"])

    def closed(self, arrow, t, s):
        """Whether the gradient gate of an arrow is closed at target step t of sequence s."""
        K, lag = arrow["cut_every"], arrow["lag"]
        if K <= 1:
            return K == 1
        n = t + self.offset(s) if lag > 0 else self.lengths[s] - 1 - t
        return n // K != (n - abs(lag)) // K

    def offset(self, s):
        """Steps of the stream before this sequence."""
        return int(self.state["step"][s]) if "step" in self.state else 0

    def values(self, box):
        """All values of a box: (..., T, B, size), rows beyond a sequence's length as arrows see them."""
        rows = [
            self.value(box, t, s) if t < self.lengths[s] else self.after(box, t - self.lengths[s], s)
            for t in range(self.T)
            for s in range(self.B)
        ]
        rows = np.stack(np.broadcast_arrays(*rows), axis=-2)
        return rows.reshape(*rows.shape[:-2], self.T, self.B, rows.shape[-1])

    def output(self):
        """Values of the output box, (..., T, B, O)."""
        return self.values(self.net["output"])

    def final_state(self):
        """The state that continues these sequences: see ``state``."""
        state = {}
        for box in ["x", *self.boxes]:
            rows = slots(self.net, box)[0]
            if rows:
                state[box] = np.array(
                    [[self.last(box, row, s) for s in range(self.B)] for row in range(rows)]
                )
        step = self.state.get("step", np.zeros(self.B, dtype=np.int64))
        return state | {"step": np.array([step[s] + self.lengths[s] for s in range(self.B)])}

    def last(self, box, row, s):
        """What an arrow of lag row + 1 would see at the step after the sequence's last."""
        t = self.lengths[s] - 1 - row
        if t < 0:
            return self.before(box, -1 - t, s)
        if box == "x":
            return self.x[t, s]
        return self.fed(t, s) if box == self.net["output"] else self.value(box, t, s)


# ------------------------------------------------------------------------------- losses and the oracle


def divergence(loss, y, target, weight=None, lengths=None, reduction="mean"):
    """The losses of the vocabulary; ``y : ndarray (..., T, B, O)``, the result has y's leading axes.

    "mse" and "binary_cross_entropy" are sum w l / (sum w O), "cross_entropy" is sum w l / sum w; "sum" leaves
    the denominator out. Steps with weight 0, a NaN target or beyond the length do not count.
    """
    T, B, n_out = y.shape[-3:]
    total, steps = 0.0, 0.0
    for t in range(T):
        for s in range(B):
            w = 1.0 if weight is None else weight[t, s]
            if w == 0 or np.isnan(target[t, s]).any() or (lengths is not None and t >= lengths[s]):
                continue
            row = y[..., t, s, :]
            if loss == "mse":
                point = ((row - target[t, s]) ** 2).sum(axis=-1)
            elif loss == "binary_cross_entropy":
                d = target[t, s]
                point = -(d * np.log(row) + (1 - d) * np.log(1 - row)).sum(axis=-1)
            else:
                point = -np.log(row[..., target[t, s]])
            total, steps = total + w * point, steps + w
    if reduction == "sum":
        return total
    return total / steps / (1 if loss == "cross_entropy" else n_out)


def central_differences(function, a, h=1e-3):
    """Gradient at ``a`` of a function that takes variants of a along a leading axis; error of order h^4."""
    steps = np.eye(a.size).reshape(a.size, *a.shape) * h
    one = function(a + steps) - function(a - steps)
    two = function(a + 2 * steps) - function(a - 2 * steps)
    # a function that does not depend on a comes back without the leading axis
    return np.broadcast_to((8 * one - two) / (12 * h), a.size).reshape(a.shape)


def gate_gradients(net, parameters, x, function, gates="declared", wanted=None, **call):
    """The oracle: gradients of ``function(y)`` when every value behind a closed gate is a recorded constant.

    Parameters
    ----------
    function : callable
        (..., T, B, O) -> (...).
    gates : "declared" or "open"
        "open" cuts nowhere.
    wanted : sequence of str, optional
        Names: parameters, "dx", or "d." + box for the values before the sequence. By default all parameters.

    Returns
    -------
    dict of ndarray
    """
    x = np.asarray(x)
    frozen = None if gates == "open" else Pass(net, parameters, x, **call)

    def run(changed_parameters, changed_x, changed_state):
        changed_call = call | {"state": changed_state}
        return function(Pass(net, changed_parameters, changed_x, frozen=frozen, **changed_call).output())

    state = dict(call.get("state") or {})
    n_sequences = x.shape[1]
    gradients = {}
    for name in parameters if wanted is None else wanted:
        if name == "dx":
            gradients[name] = central_differences(lambda a: run(parameters, a, state), x)
        elif name.startswith("d."):
            box = name[2:]
            rows = state.get(box)
            if rows is None:
                initial = parameters.get(box + ".initial")
                if initial is None:
                    size = net["n_in"] if box == "x" else {b["name"]: b["size"] for b in net["boxes"]}[box]
                    initial = np.zeros((slots(net, box)[0], size))
                rows = np.repeat(initial[:, None], n_sequences, axis=1)
            gradients[name] = central_differences(
                lambda a, box=box: run(parameters, x, state | {box: a}), rows
            )
        else:
            gradients[name] = central_differences(
                lambda a, name=name: run({**parameters, name: a}, x, state), parameters[name]
            )
    return gradients


# --------------------------------------------------------------------------------------- optimisers


def clip_by_norm(g, threshold):
    """The notes' second notation: if ||g|| > v then g <- g / ||g|| * v."""
    norm = np.sqrt((g**2).sum())
    return g / norm * threshold if norm > threshold else g


def sgd(theta, gradients, lr, momentum=0.0, nesterov=False):
    """PyTorch's SGD: b <- momentum b + g, the first time g; theta <- theta - lr (g + momentum b, or b)."""
    buffer = None
    for g in gradients:
        buffer = g.copy() if buffer is None else momentum * buffer + g
        theta = theta - lr * (g + momentum * buffer if nesterov else buffer)
    return theta


def rmsprop(theta, gradients, lr, alpha=0.99, eps=1e-8):
    """PyTorch's RMSprop: v <- alpha v + (1 - alpha) g^2; theta <- theta - lr g / (sqrt(v) + eps)."""
    v = np.zeros_like(theta)
    for g in gradients:
        v = alpha * v + (1 - alpha) * g**2
        theta = theta - lr * g / (np.sqrt(v) + eps)
    return theta


def adam(theta, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    """Adam (Kingma & Ba, algorithm 1); ``weight_decay`` decoupled as in AdamW (Loshchilov & Hutter)."""
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        theta = theta * (1 - lr * weight_decay)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        theta = theta - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return theta


def rprop(theta, gradients, lr, eta_minus=0.5, eta_plus=1.2, smallest=1e-6, largest=50.0):
    """PyTorch's Rprop: a step size per weight; after a change of sign it shrinks and g is dropped."""
    step, previous = np.full_like(theta, lr), np.zeros_like(theta)
    for g in gradients:
        theta, step, previous, g = theta.copy(), step.copy(), previous.copy(), g.copy()
        for i in range(theta.size):
            sign = previous[i] * g[i]
            if sign > 0:
                step[i] = min(step[i] * eta_plus, largest)
            elif sign < 0:
                step[i] = max(step[i] * eta_minus, smallest)
                g[i] = 0.0
            theta[i] -= np.sign(g[i]) * step[i]
        previous = g
    return theta
