"""The stand-ins: what our configuration calls works, what is left out fails with a clear error."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.engine import rasa_light
from bot.engine.rasa_light import ABSENT, REPLACED, NotInThisInstallation
from bot.settings import ROOT

rasa_light.install()


def test_only_the_read_version_of_rasa_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if type(f).__name__ != "_StandIns"])
    monkeypatch.setattr(rasa_light, "RASA_VERSION", "3.6.20")
    for name in [n for n in sys.modules if n == "rasa" or n.startswith("rasa.")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(RuntimeError, match=r"3\.6\.21"):
        rasa_light.install()


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_a_replaced_module_is_one_that_rasa_has_and_can_be_imported(name: str) -> None:
    package, _, module = name.rpartition(".")
    spec = importlib.util.find_spec("rasa")
    assert spec is not None
    folder = Path(*(spec.submodule_search_locations or []), *package.split(".")[1:])

    assert (folder / f"{module}.py").exists() or (folder / module / "__init__.py").exists()
    assert importlib.import_module(name)


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_an_absent_library_can_be_imported(name: str) -> None:
    assert importlib.import_module(name)


def stood_in_classes() -> list[tuple[str, str]]:
    found = []
    for name in (*REPLACED, *ABSENT):
        module = importlib.import_module(name)
        if type(getattr(module, "__loader__", None)).__name__ != "_StandIns":
            continue  # the real library is installed here
        for attribute, value in vars(module).items():
            if isinstance(value, type) and value.__init__.__qualname__.startswith("_refuses"):  # type: ignore[misc]
                found.append((name, attribute))
    return found


@pytest.mark.parametrize(("module", "name"), stood_in_classes())
def test_what_is_left_out_says_so_when_it_is_made(module: str, name: str) -> None:
    with pytest.raises(NotInThisInstallation, match=name):
        getattr(importlib.import_module(module), name)()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("rasa.core.training.interactive", "run_interactive_learning"),
        ("rasa.core.channels.console", "record_messages"),
        ("sanic_cors", "CORS"),
    ],
)
def test_functions_that_are_left_out_say_so(module: str, name: str) -> None:
    with pytest.raises(NotInThisInstallation):
        getattr(importlib.import_module(module), name)()


def test_a_component_that_is_left_out_is_refused_by_name(tmp_path: Path) -> None:
    pipeline = "pipeline:\n- name: WhitespaceTokenizer\n- name: DIETClassifier\n"
    (tmp_path / "config.yml").write_text(f"recipe: default.v1\nassistant_id: x\nlanguage: es\n{pipeline}")
    intents = "".join(f"- intent: {name}\n  examples: |\n    - {name} one\n    - {name} two\n" for name in "ab")
    (tmp_path / "nlu.yml").write_text(f'version: "3.1"\nnlu:\n{intents}')
    ran = rasa("train", "nlu", "--config", "config.yml", "--nlu", "nlu.yml", folder=tmp_path)

    assert ran.returncode != 0
    assert "DIETClassifier" in ran.stdout + ran.stderr


def rasa(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.engine.rasa_light", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_rasas_own_validation_passes_on_our_files() -> None:
    ran = rasa("data", "validate", "--data", "data/nlu", "data/rules.yml", "--fail-on-warnings")

    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_dask_runs_each_task_once_and_in_the_order_of_need() -> None:
    import dask  # type: ignore[import-not-found,unused-ignore]

    calls = []

    def task(name: str, *needs: str) -> str:
        calls.append(name)
        return name + "".join(needs)

    graph = {
        "input": ("placeholder", 1),
        "a": (lambda: task("a"),),
        "b": (lambda a: task("b", a), "a"),
        "c": (lambda a, b: task("c", a, b), "a", "b"),
    }
    assert dask.get(graph, ["c", "a"]) == ["caba", "a"]
    assert calls == ["a", "b", "c"]
