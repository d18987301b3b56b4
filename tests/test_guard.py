"""A learner's file is run in a process that changes no file and reaches no network."""

import socket
from pathlib import Path

import pytest

from mnist_mlp.checking.diagnosis import check
from tests.test_watch import LOADERS, program

HARM = {
    "overwrites a file": "open(kept, 'w').write('lost')",
    "appends to a file": "open(kept, 'a').write('lost')",
    "saves an array": "np.save(kept, np.zeros(3))",
    "writes by pathlib": "pathlib.Path(kept).write_text('lost')",
    "writes by os.open": "os.write(os.open(kept, os.O_WRONLY), b'lost')",
    "removes a file": "os.remove(kept)",
    "removes a folder": "shutil.rmtree(os.path.dirname(kept))",
    "renames a file": "os.rename(kept, kept + '.old')",
    "replaces a file": "os.replace(__file__, kept)",
    "truncates a file": "os.truncate(kept, 0)",
    "starts a program": "subprocess.run([sys.executable, '-c', f'open({kept!r}, \"w\")'])",
    "runs a shell": "os.system(f'rm {kept}')",
}


OFTEN = ("overwrites a file", "removes a file", "starts a program")
RARELY = [pytest.param(harm, marks=pytest.mark.slow) for harm in HARM if harm not in OFTEN]


@pytest.mark.parametrize("statement", ["{}", "result = {}"], ids=["as a line", "in a definition"])
@pytest.mark.parametrize("harm", [*OFTEN, *RARELY])
def test_a_checked_program_changes_no_file(harm: str, statement: str, tmp_path: Path) -> None:
    kept, mine = tmp_path / "kept" / "results.txt", tmp_path / "mine.py"
    kept.parent.mkdir()
    kept.write_text("mine", "utf-8")
    imports = "import os, pathlib, shutil, subprocess, sys\n"
    text = f"kept = {str(kept)!r}\n{statement.format(HARM[harm])}\n"
    text = imports + program(LOADERS["Keras"]).replace("\n", f"\n{text}", 1)
    mine.write_text(text, "utf-8")
    assert check(mine).is_right
    assert kept.read_text("utf-8") == "mine"
    assert mine.read_text("utf-8") == text
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "mine.py", "results.txt"]


def test_a_checked_program_reaches_no_network(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        loader = f"import urllib.request\npage = urllib.request.urlopen({url!r}, timeout=1)\n"
        mine.write_text(loader + program(LOADERS["Keras"]), "utf-8")
        assert check(mine).is_right
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_module_beside_the_program_leaves_no_compiled_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from rates import rate\n" + program(LOADERS["Keras"]))
    (tmp_path / "rates.py").write_text("rate = 0.1\n")
    assert check(tmp_path / "mine.py").is_right
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py", "rates.py"]
