"""The same readers, with damage that coverage guides: libFuzzer through atheris, beside the tests.

    pip install atheris
    PYTHONPATH=tests python -m faults.guided abf --runs 20000

Ends at the first fault with its traceback; libFuzzer leaves the input in the current folder.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

INSTRUMENTED = ["raphe.core", "raphe.tasks", "pyabf"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reader")
    parser.add_argument("--runs", type=int, default=20_000)
    arguments = parser.parse_args()
    with atheris.instrument_imports(include=INSTRUMENTED):
        from faults import fuzz
        from faults.reader import attempt

        reader = fuzz.reader_of(arguments.reader)
    if reader.beside:
        parser.error(f"{arguments.reader} reads folders, expected a reader of single files")
    folder = Path(tempfile.mkdtemp())  # libFuzzer ends the process itself
    seeds = fuzz.seeds_of(reader, folder / "seeds")
    corpus = folder / "corpus"
    corpus.mkdir()
    for seed in seeds:
        (corpus / seed.name).write_bytes(seed.read_bytes())
    file = folder / f"tried{reader.suffix}"
    longest = 2 * max(seed.stat().st_size for seed in seeds)

    def one_input(content: bytes) -> None:
        file.write_bytes(content)
        result = attempt(reader, file)
        if result.is_fault:
            raise RuntimeError(f"{result.outcome}: {result.detail}")

    options = [f"-runs={arguments.runs}", f"-max_len={longest}", "-timeout=20", str(corpus)]
    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
