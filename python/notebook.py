"""Runs the code cells of a notebook in their order, in a folder of their own: what somebody who runs all cells sees.

    python notebook.py NOTEBOOK.ipynb

The last expression of a cell is shown as a notebook would: its HTML is made, too, where it has any.
"""

import ast
import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    cells = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for at, cell in enumerate(cells):
            if cell["cell_type"] != "code":
                continue
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, f"cell {at}", "exec"), names)
            if last is not None:
                shown = eval(compile(ast.Expression(last.value), f"cell {at}", "eval"), names)
                make = getattr(shown, "_repr_html_", None)
                print(f"cell {at}: {type(shown).__name__}, {len(make()) if make else len(repr(shown))} characters")
        os.chdir("/")


main()
