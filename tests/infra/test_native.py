"""`make native` keeps what a Python that starts loads whole, and nothing else (D12, decision 24)."""

import pytest

from infra import native


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A project of one module of the hot path, which lies there from source."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("import os\nCOMPILED = 'HOGA_PURE' not in os.environ\n")
    (tmp_path / "core" / "hot.py").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.hoga]\nnative = ["core/hot.py"]\n')
    (tmp_path / native.WORK).mkdir(parents=True)
    monkeypatch.setattr(native, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["native.py"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_module_that_is_loaded_from_source_beside_compiled_ones_is_named(tree, monkeypatch):
    monkeypatch.setenv("HOGA_PURE", "1")
    assert not native.taken(["core/hot.py"])
    assert str(tree / "core" / "hot.py") in native.LOG.read_text()


def test_a_source_that_was_edited_meanwhile_is_told(tree):
    (tree / "core" / "__init__.py").write_text("COMPILED = False\n")
    assert not native.taken(["core/hot.py"])
    assert "compile it again" in native.LOG.read_text()


def test_what_is_not_taken_is_taken_away_and_the_owner_is_told_what_that_costs(tree, monkeypatch, capsys):
    monkeypatch.setattr(native, "built", lambda sources: bool((tree / "core" / "hot.so").write_text("")) or True)
    assert native.main() == 1
    assert "twice the CPU" in capsys.readouterr().out
    assert not [*tree.glob("hoga__mypyc*"), *tree.rglob("*.so")]


def test_what_is_taken_is_listed_for_the_next_start(tree, monkeypatch):
    monkeypatch.setattr(native, "built", lambda sources: True)
    monkeypatch.setattr(native, "taken", lambda sources: native.LIST.read_text() == "core/hot.py\n")
    assert native.main() == 0
    assert native.LIST.exists()
