# SPDX-License-Identifier: BSD-2-Clause
"""An array of 16 MiB for two workers: prints how they got it, and where from."""

import os

import joblib
import numpy

WORDS = 1 << 21


def look(array, index):
    """In a worker: the type of what came, the folder above joblib's own, and what is in it."""
    where = os.path.dirname(os.path.dirname(getattr(array, "filename", "")))
    return type(array).__name__, where, float(array[index]), float(array.sum())


def main():
    array = numpy.arange(WORDS, dtype=numpy.float64)
    seen = joblib.Parallel(n_jobs=2)(joblib.delayed(look)(array, i) for i in range(4))
    for kind, where in sorted({result[:2] for result in seen}):
        print(kind, where)
    wanted = [(float(i), WORDS * (WORDS - 1) / 2) for i in range(4)]
    print("their sums are", "right" if [result[2:] for result in seen] == wanted else "wrong")


if __name__ == "__main__":
    main()
