"""The textbook networks as boxes and arrows, written out by hand."""

from rnnbench.network import Arrow, Box, Network


def mlp(n_in, H, n_out, output="linear"):
    """One to one: x -> h -> y."""
    return Network([Box("h", H), Box("y", n_out, output)], [Arrow("x", "h"), Arrow("h", "y")], n_in=n_in)


def tdnn(n_in, H, n_out, window, output="linear"):
    """Feed N + 1 frames of x."""
    arrows = [Arrow("x", "h", lag=k) for k in range(window + 1)]
    return Network([Box("h", H), Box("y", n_out, output)], [*arrows, Arrow("h", "y")], n_in=n_in)


def narx(n_in, H, n_out, input_taps, output_taps, output="linear"):
    """Feed x at lags 0..L and y at lags 1..K."""
    arrows = [Arrow("x", "h", lag=k) for k in range(input_taps + 1)]
    arrows += [Arrow("y", "h", lag=k) for k in range(1, output_taps + 1)]
    return Network([Box("h", H), Box("y", n_out, output)], [*arrows, Arrow("h", "y")], n_in=n_in)


def jordan(n_in, H, n_out, mu, average=False, output="linear"):
    """Keep a box of memory with fixed weights."""
    boxes = [Box("m", n_out, "linear", bias=False), Box("h", H), Box("y", n_out, output)]
    arrows = [
        Arrow("m", "m", lag=1, weight=mu, cut_every=1),
        Arrow("y", "m", lag=1, weight=1 - mu if average else 1.0, cut_every=1),
        Arrow("x", "h"),
        Arrow("m", "h"),
        Arrow("h", "y"),
    ]
    return Network(boxes, arrows, n_in=n_in)


def top_down(n_in, H, n_out, output="linear", cut_every=0):
    """Seed 003's Jordan type."""
    arrows = [Arrow("x", "h"), Arrow("y", "h", lag=1, cut_every=cut_every), Arrow("h", "y")]
    return Network([Box("h", H), Box("y", n_out, output)], arrows, n_in=n_in)


def elman(n_in, H, n_out, output="linear", initial="zero"):
    """Feed h at lag 1, gradient blocked."""
    return rnn(n_in, [H], n_out, output, initial, cut_every=1)


def rnn(n_in, sizes, n_out, output="linear", initial="zero", cut_every=0, order=1, activation="tanh"):
    """State space: one box per layer, each with its own recurrence at lags 1..order."""
    boxes, arrows, below = [], [], "x"
    for level, size in enumerate(sizes, start=1):
        name = f"h{level}" if len(sizes) > 1 else "h"
        boxes.append(Box(name, size, activation))
        arrows.append(Arrow(below, name))
        arrows += [Arrow(name, name, lag=k, cut_every=cut_every) for k in range(1, order + 1)]
        below = name
    boxes.append(Box("y", n_out, output))
    return Network(boxes, [*arrows, Arrow(below, "y")], n_in=n_in, initial=initial)


def brnn(n_in, H_f, H_b, n_out, output="linear", initial="zero"):
    """Join h = [h_f ; h_b] by two arrows into the output."""
    boxes = [Box("f", H_f), Box("b", H_b), Box("y", n_out, output)]
    arrows = [
        Arrow("x", "f"),
        Arrow("f", "f", lag=1),
        Arrow("x", "b"),
        Arrow("b", "b", lag=-1),
        Arrow("f", "y"),
        Arrow("b", "y"),
    ]
    return Network(boxes, arrows, n_in=n_in, initial=initial)


def skips(n_in, H1, H2, n_out, output="linear"):
    """Seed 002, "we can also have skips"."""
    boxes = [Box("h1", H1), Box("h2", H2), Box("y", n_out, output)]
    arrows = [
        Arrow("x", "h1"),
        Arrow("h1", "h1", lag=1),
        Arrow("h1", "h2"),
        Arrow("x", "h2"),
        Arrow("h2", "h2", lag=1),
        Arrow("h2", "y"),
        Arrow("h1", "y"),
    ]
    return Network(boxes, arrows, n_in=n_in)


def deep_top_down(n_in, H1, H2, n_out):
    """Seed 003: layer l + 1 feeds layer l at lag 1, the output feeds the last hidden layer."""
    arrows = [
        Arrow("x", "h1"),
        Arrow("h2", "h1", lag=1),
        Arrow("h1", "h2"),
        Arrow("y", "h2", lag=1),
        Arrow("h2", "y"),
    ]
    return Network([Box("h1", H1), Box("h2", H2), Box("y", n_out, "linear")], arrows, n_in=n_in)


def elman_with_context(n_in, H, n_out):
    """Elman with its context units drawn: c is a copy of h one step before."""
    boxes = [Box("c", H, "linear", bias=False), Box("h", H), Box("y", n_out, "linear")]
    arrows = [
        Arrow("h", "c", lag=1, weight=1.0, cut_every=1),
        Arrow("x", "h"),
        Arrow("c", "h"),
        Arrow("h", "y"),
    ]
    return Network(boxes, arrows, n_in=n_in)


def memory(n_in, H, M, n_out):
    """Seed 002, "more explicit memory": m(t) = r(y(t-1), h(t-1), m(t-1))."""
    arrows = [*(Arrow(name, "m", lag=1) for name in "yhm"), Arrow("x", "h"), Arrow("m", "h"), Arrow("h", "y")]
    return Network([Box("m", M), Box("h", H), Box("y", n_out, "linear")], arrows, n_in=n_in)


def linear_of_order_two(a, b):
    """One linear unit, h_t = a h_{t-1} + b h_{t-2}, its two initial values learned."""
    boxes = [Box("y", 1, "linear", bias=False)]
    arrows = [Arrow("y", "y", lag=1, weight=a), Arrow("y", "y", lag=2, weight=b)]
    return Network(boxes, arrows, n_in=1, initial="learned")


def told_the_future(n_in, H, n_out, output="linear", cut_every=0):
    """Recurrence of the output backward in time: y has values after the sequence's own end."""
    arrows = [Arrow("x", "h"), Arrow("y", "h", lag=-1, cut_every=cut_every), Arrow("h", "y")]
    return Network([Box("h", H), Box("y", n_out, output)], arrows, n_in=n_in, initial="learned")


def every():
    """One small network of each kind, by name."""
    return {
        "mlp": mlp(2, 3, 2),
        "tdnn": tdnn(2, 3, 1, window=3),
        "narx": narx(2, 3, 2, input_taps=1, output_taps=2, output="tanh"),
        "jordan": jordan(2, 3, 2, mu=0.5, output="sigmoid"),
        "top_down": top_down(2, 3, 2, "sigmoid"),
        "top_down_softmax": top_down(2, 3, 3, "softmax"),
        "elman": elman(2, 3, 2, initial="learned"),
        "rnn": rnn(2, [3], 2, initial="learned"),
        "rnn_in_chunks": rnn(2, [3], 2, initial="learned", cut_every=3),
        "rnn_relu": rnn(2, [4], 2, activation="relu"),
        "rnn_two_layers": rnn(2, [3, 2], 2, "softmax", initial="learned"),
        "rnn_order_2": rnn(2, [3], 1, initial="learned", order=2),
        "brnn": brnn(2, 3, 2, 2, "softmax", initial="learned"),
        "deep_top_down": deep_top_down(2, 3, 2, 2),
        "elman_with_context": elman_with_context(2, 3, 1),
        "told_the_future": told_the_future(2, 3, 2, "sigmoid"),
        "skips": skips(2, 3, 2, 2, "sigmoid"),
        "memory": memory(2, 3, 2, 2),
    }
