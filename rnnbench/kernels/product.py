"""Matrix products that add into their result: z += a @ w and z += a.T @ w.

Four rows of z and four terms of the sum are taken at once, so that each pass over a row of w serves sixteen
multiply-adds per column; the innermost loop runs over contiguous columns and is vectorised.
"""

from rnnbench.kernels.compilation import kernel


@kernel
def _four_rows(z0, z1, z2, z3, a, row, row_step, inner_step, inner, w):
    # a is flat; element (r, k) of the left factor lies at r * row_step + k * inner_step.
    columns = z0.size
    k = 0
    while k + 4 <= inner:
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        at = row * row_step + k * inner_step
        a00, a01 = a[at], a[at + inner_step]
        a02, a03 = a[at + 2 * inner_step], a[at + 3 * inner_step]
        at += row_step
        a10, a11 = a[at], a[at + inner_step]
        a12, a13 = a[at + 2 * inner_step], a[at + 3 * inner_step]
        at += row_step
        a20, a21 = a[at], a[at + inner_step]
        a22, a23 = a[at + 2 * inner_step], a[at + 3 * inner_step]
        at += row_step
        a30, a31 = a[at], a[at + inner_step]
        a32, a33 = a[at + 2 * inner_step], a[at + 3 * inner_step]
        for j in range(columns):
            z0[j] += a00 * w0[j] + a01 * w1[j] + a02 * w2[j] + a03 * w3[j]
            z1[j] += a10 * w0[j] + a11 * w1[j] + a12 * w2[j] + a13 * w3[j]
            z2[j] += a20 * w0[j] + a21 * w1[j] + a22 * w2[j] + a23 * w3[j]
            z3[j] += a30 * w0[j] + a31 * w1[j] + a32 * w2[j] + a33 * w3[j]
        k += 4
    while k < inner:
        w0 = w[k]
        at = row * row_step + k * inner_step
        a00, a10 = a[at], a[at + row_step]
        a20, a30 = a[at + 2 * row_step], a[at + 3 * row_step]
        for j in range(columns):
            z0[j] += a00 * w0[j]
            z1[j] += a10 * w0[j]
            z2[j] += a20 * w0[j]
            z3[j] += a30 * w0[j]
        k += 1


@kernel
def _one_row(z, a, row, row_step, inner_step, inner, w):
    columns = z.size
    k = 0
    while k + 4 <= inner:
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        at = row * row_step + k * inner_step
        a0, a1 = a[at], a[at + inner_step]
        a2, a3 = a[at + 2 * inner_step], a[at + 3 * inner_step]
        for j in range(columns):
            z[j] += a0 * w0[j] + a1 * w1[j] + a2 * w2[j] + a3 * w3[j]
        k += 4
    while k < inner:
        w0 = w[k]
        a0 = a[row * row_step + k * inner_step]
        for j in range(columns):
            z[j] += a0 * w0[j]
        k += 1


@kernel
def _add(z, a, row_step, inner_step, inner, w):
    rows = z.shape[0]
    row = 0
    while row + 4 <= rows:
        _four_rows(z[row], z[row + 1], z[row + 2], z[row + 3], a, row, row_step, inner_step, inner, w)
        row += 4
    while row < rows:
        _one_row(z[row], a, row, row_step, inner_step, inner, w)
        row += 1


@kernel
def add_product(z, a, w):
    """Add ``a @ w`` to z.

    Parameters
    ----------
    z : ndarray (R, M)
        Added to in place; must not overlap `a` or `w`.
    a : ndarray (R * K,)
        The rows of the left factor, flat.
    w : ndarray (K, M)
        The right factor.
    """
    inner = w.shape[0]
    _add(z, a, inner, 1, inner, w)


@kernel
def add_transposed_product(z, a, w):
    """Add ``a.T @ w`` to z.

    Parameters
    ----------
    z : ndarray (K, M)
        Added to in place; must not overlap `a` or `w`.
    a : ndarray (R * K,)
        The rows of the left factor before transposition, flat.
    w : ndarray (R, M)
        The right factor.
    """
    _add(z, a, 1, z.shape[0], w.shape[0], w)
