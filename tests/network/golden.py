"""What `NUMERICS_VERSION` stands for: bits of the plain loops on small networks, and sources of the others.

The plain loops (the fallback) are interpreted, not compiled: NumPy's scalars then round after every operation
as IEEE 754 says, in the order of the source. A compiler may fuse or reorder, differently for each processor;
so these digests are the same on every machine, and change when the source's arithmetic does.

The kernels with explicit vectors cannot be interpreted, and their bits differ from processor to processor.
Of these the source is kept, as a digest without comments, docstrings and white space.

``NUMBA_DISABLE_JIT=1 python -m tests.network.golden`` writes both anew.
"""

import ast
import hashlib
import io
import json
import re
import tokenize
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("golden.json")
KERNELS = Path(__file__).parents[2] / "rnnbench" / "kernels"
#: Kernels whose arithmetic is written as code for vectors.
VECTOR_KERNELS = ("elementary.py", "recurrence.py", "tile_code.py", "tiles.py")
STEPS, SEQUENCES, UPDATES = 5, 2, 20
OPTIMISERS = ("adam", "sgd", "rmsprop", "rprop", "adamw")


def networks():
    """Every architecture, smaller than anybody would use; the names say what is unusual."""
    from rnnbench import Arrow, Box, Network
    from rnnbench.models.brnn import BRNN
    from rnnbench.models.elman import Elman
    from rnnbench.models.jordan import Jordan
    from rnnbench.models.narx import NARX
    from rnnbench.models.rnn import RNN
    from rnnbench.models.tdnn import TDNN

    gated = [
        Box("h", 3, "sigmoid"),
        Box("y", 2, "softmax"),
    ]
    arrows = [Arrow("x", "h", lag=1), Arrow("h", "h", lag=2, cut_every=2), Arrow("h", "y"), Arrow("x", "y")]
    return {
        "elman": Elman(hidden=3).build(2, 2, "sigmoid"),
        "rnn, initial state learned": RNN(hidden=3, initial="learned").build(2, 2),
        "tdnn": TDNN(hidden=3, window=3).build(2, 2),
        "narx": NARX(hidden=3, input_taps=1, output_taps=2).build(2, 2),
        "jordan": Jordan(hidden=3).build(2, 2),
        "brnn": BRNN(hidden=3).build(2, 2),
        "softmax, gate every second step": Network(gated, arrows, n_in=2),
    }


def pattern(size, dtype=np.float32):
    """Return numbers in [-1, 1) that need no generator: multiples of 1/128, exact in every type."""
    return ((np.arange(size) * 89 + 31) % 256 / 128 - 1).astype(dtype)


def digest(*arrays):
    """Return 16 hexadecimal digits over the bytes of arrays; -0 is not 0, but all NaN are one."""
    whole = hashlib.sha256()
    for array in arrays:
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        whole.update(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes())
    return whole.hexdigest()[:16]


#: What the intrinsics of `elementary` do, said in NumPy: they are LLVM code that cannot be interpreted.
STAND_INS = {
    "_choose": lambda condition, yes, no: yes if condition else no,
    "_power_of_two": lambda n: type(n)(np.ldexp(1.0, int(n))),
    "_power_of_low_bits": lambda m: (m.view(np.uint32) << np.uint32(23)).view(np.float32),
}


def elementary_functions():
    """Return digests of exp, tanh and sigmoid of every type, as kernels compute them, over their ranges."""
    from rnnbench.kernels import elementary

    for name, stand_in in STAND_INS.items():
        setattr(elementary, name, stand_in)
    digests = {}
    for name, function in sorted(vars(elementary).items()):
        if re.fullmatch("_(exp|tanh|sigmoid)(32|64)", name):
            dtype = np.dtype(f"float{name[-2:]}").type
            span = 80 if name.startswith("_exp") else 11
            points = [
                *(span * pattern(256, dtype)),
                *(pattern(128, dtype) / dtype(9)),
                np.inf,
                -np.inf,
                np.nan,
            ]
            with np.errstate(all="ignore"):
                digests[name[1:]] = digest(np.array([function(dtype(x)) for x in points], dtype))
    return digests


def source_digest(source):
    """Return 16 hexadecimal digits over a source without comments, docstrings and white space."""
    lines = source.splitlines()
    comments = [
        t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT
    ]
    for token in comments:
        row, column = token.start
        lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            text = node.body[0]
            lines[text.lineno - 1 : text.end_lineno] = [""] * (text.end_lineno - text.lineno + 1)
    return hashlib.sha256("".join("".join(lines).split()).encode()).hexdigest()[:16]


def sources():
    """Return the digest of the source of each kernel with explicit vectors."""
    return {name: source_digest((KERNELS / name).read_text(encoding="utf-8")) for name in VECTOR_KERNELS}


def found():
    """Return digests by network and by what was computed."""
    from rnnbench.training.optimisers import optimiser

    x = pattern(STEPS * SEQUENCES * 2).reshape(STEPS, SEQUENCES, 2)
    target = (pattern(2 * x.size)[x.size :].reshape(x.shape) > 0).astype(np.float32)
    target[..., 1] = 1 - target[..., 0]
    lengths = np.array([STEPS, STEPS - 2])
    digests = {"elementary functions": elementary_functions()}
    for number, (name, net) in enumerate(networks().items()):
        softmax = net.boxes[-1].activation == "softmax"
        goal, loss = (target.argmax(axis=2), "cross_entropy") if softmax else (target, "mse")
        params = net.parameters(pattern(net.n_parameters) / 2)
        value, gradient = net.loss_and_grad(params, x, goal, loss, lengths=lengths)
        digests[name] = {
            "outputs": digest(net.forward(params, x, lengths=lengths)),
            "loss": digest(np.array(value)),
            "gradient": digest(gradient.vector),
        }
        rule = OPTIMISERS[number % len(OPTIMISERS)]
        updates = optimiser(rule).start(params.vector.size, np.float32, norm_bound=0.05)
        for _ in range(UPDATES):
            _, gradient = net.loss_and_grad(params, x, goal, loss)
            updates(params.vector, gradient.vector)
        digests[name][f"after {UPDATES} updates of {rule}"] = digest(params.vector)
    return digests


def main():
    """Write the file anew."""
    from rnnbench.kernels import NUMERICS_VERSION
    from rnnbench.kernels.vectors import EXPLICIT

    if EXPLICIT:
        raise SystemExit("these are the bits of interpreted loops: set NUMBA_DISABLE_JIT=1")
    text = json.dumps({"numerics": NUMERICS_VERSION, "sources": sources(), "digests": found()}, indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
