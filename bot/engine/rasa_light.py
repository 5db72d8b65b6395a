"""Rasa Open Source 3.6.21 on Python 3.11 to 3.13: without TensorFlow, and without the libraries of parts that we do not run.

    from bot.engine import rasa_light
    rasa_light.install()                      before the first `import rasa`
    python -m bot.engine.rasa_light train     Rasa's own command line, on the files at the root

Rasa imports every channel, policy and broker that it ships, used or not. Two tables answer those imports, and no file of
the installed package is touched:

REPLACED: modules of Rasa itself that get a shorter body. This table is the whole difference to stock Rasa.
ABSENT:   third-party names that Rasa imports and our configuration never calls, each used only where the library is not installed.

What is stood in for fails with a clear error when it is called, never silently. Why it is done so: docs/adr/0001-rasa-as-a-library.md.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import sys
import uuid
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

RASA_VERSION = "3.6.21"
"""The stand-ins were read against this version's source; any other is refused."""

Body = Callable[[ModuleType], None]


class NotInThisInstallation(ImportError):
    """A part of Rasa, or a library of such a part, was called that this installation leaves out."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not part of this installation of Rasa (see bot/engine/rasa_light.py)")


def _refuses(what: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotInThisInstallation(what)

    return refuse


def _classes(*names: str) -> Body:
    """Classes that may be named, inherited from and tested for, but not made."""

    def body(module: ModuleType) -> None:
        for name in names:
            setattr(module, name, type(name, (), {"__init__": _refuses(name)}))

    return body


def _exceptions(*names: str) -> Body:
    def body(module: ModuleType) -> None:
        for name in names:
            setattr(module, name, type(name, (Exception,), {}))

    return body


def _nothing(module: ModuleType) -> None:
    """The module may be imported; nothing in it is ever named."""


# --- modules of Rasa with a shorter body ---------------------------------------------------------------------------------


def _components(module: ModuleType) -> None:
    """The registry of built-in components: those that our configuration may name without TensorFlow or a download."""
    from rasa.core.policies.rule_policy import RulePolicy
    from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
    from rasa.nlu.classifiers.keyword_intent_classifier import KeywordIntentClassifier
    from rasa.nlu.extractors.entity_synonyms import EntitySynonymMapper
    from rasa.nlu.extractors.regex_entity_extractor import RegexEntityExtractor
    from rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer import CountVectorsFeaturizer
    from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer

    module.DEFAULT_COMPONENTS = [  # type: ignore[attr-defined]
        RulePolicy,
        FallbackClassifier,
        KeywordIntentClassifier,
        EntitySynonymMapper,
        RegexEntityExtractor,
        CountVectorsFeaturizer,
        WhitespaceTokenizer,
    ]


def _channels(module: ModuleType) -> None:
    """The types of a channel; no channel of Rasa's runs here."""
    from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, OutputChannel, UserMessage
    from rasa.core.channels.rest import RestInput

    for kind in (CollectingOutputChannel, InputChannel, OutputChannel, RestInput, UserMessage):
        setattr(module, kind.__name__, kind)
    module.BUILTIN_CHANNELS = {}  # type: ignore[attr-defined]
    module.input_channel_classes = []  # type: ignore[attr-defined]


def _console(module: ModuleType) -> None:
    _classes("CmdlineInput")(module)
    module.record_messages = _refuses("rasa shell")  # type: ignore[attr-defined]


def _interactive(module: ModuleType) -> None:
    module.run_interactive_learning = _refuses("rasa interactive")  # type: ignore[attr-defined]


def _tensorflow_environment(module: ModuleType) -> None:
    module.setup_tf_environment = lambda: None  # type: ignore[attr-defined]
    module.check_deterministic_ops = lambda: None  # type: ignore[attr-defined]


REPLACED: dict[str, Body] = {
    "rasa.core.brokers.pika": _classes("PikaEventBroker"),
    "rasa.core.channels": _channels,
    "rasa.core.channels.console": _console,
    "rasa.core.policies.ted_policy": _classes("TEDPolicy"),
    "rasa.core.training.interactive": _interactive,
    "rasa.engine.recipes.default_components": _components,
    "rasa.nlu.classifiers.diet_classifier": _classes("DIETClassifier"),
    "rasa.nlu.selectors.response_selector": _classes("ResponseSelector"),
    "rasa.utils.tensorflow.callback": _classes("RasaTrainingLogger", "RasaModelCheckpoint"),
    "rasa.utils.tensorflow.data_generator": _classes("RasaDataGenerator", "RasaBatchDataGenerator"),
    "rasa.utils.tensorflow.environment": _tensorflow_environment,
}


# --- libraries that are not installed --------------------------------------------------------------------------------------


def _dask(module: ModuleType) -> None:
    """`dask.get` is all that Rasa's graph runner uses: each task of a small graph runs once, in this thread, when it is needed."""

    def get(graph: dict[str, Any], targets: Sequence[str], **_: Any) -> list[Any]:
        done: dict[str, Any] = {}

        def value_of(key: str) -> Any:
            if key not in done:
                task = graph[key]
                if isinstance(task, tuple) and callable(task[0]):
                    function, *arguments = task
                    done[key] = function(*(value_of(a) if isinstance(a, str) and a in graph else a for a in arguments))
                else:
                    done[key] = task
            return done[key]

        return [value_of(target) for target in targets]

    module.get = get  # type: ignore[attr-defined]


def _pkg_resources(module: ModuleType) -> None:
    """Gone from setuptools since version 82; Rasa asks it for the path of a file in a package and for a library's version."""

    def resource_filename(package: str, path: str) -> str:
        spec = importlib.util.find_spec(package)
        return os.path.join(os.path.dirname(spec.origin if spec and spec.origin else ""), path)

    module.resource_filename = resource_filename  # type: ignore[attr-defined]
    module.get_distribution = importlib.metadata.distribution  # type: ignore[attr-defined]


def _sanic(module: ModuleType) -> None:
    _classes("Sanic", "Blueprint", "Request", "HTTPResponse", "ResponseStream")(module)
    module.response = module  # type: ignore[attr-defined]


def _sanic_jwt(module: ModuleType) -> None:
    module.Initialize = _refuses("sanic_jwt")  # type: ignore[attr-defined]
    module.exceptions = ModuleType("sanic_jwt.exceptions")  # type: ignore[attr-defined]
    _exceptions("AuthenticationFailed")(module.exceptions)


def _sentry(module: ModuleType) -> None:
    """No crash report leaves the machine."""
    module.SentryProcessor = lambda **_: lambda logger, name, event: event  # type: ignore[attr-defined]


def _aio_pika_exceptions(module: ModuleType) -> None:
    _exceptions("AMQPConnectionError")(module)
    module.CONNECTION_EXCEPTIONS = ()  # type: ignore[attr-defined]


def _aiormq(module: ModuleType) -> None:
    module.exceptions = importlib.import_module("aiormq.exceptions")  # type: ignore[attr-defined]


def _plotting(module: ModuleType) -> None:
    module.get_backend = lambda: "agg"  # type: ignore[attr-defined]
    module.use = lambda backend: None  # type: ignore[attr-defined]


def _random_name(module: ModuleType) -> None:
    module.get_name = lambda: uuid.uuid4().hex[:8]  # type: ignore[attr-defined]


def _cors(module: ModuleType) -> None:
    module.CORS = _refuses("sanic_cors")  # type: ignore[attr-defined]


ABSENT: dict[str, Body] = {
    "aio_pika": _nothing,
    "aio_pika.exceptions": _aio_pika_exceptions,
    "aiormq": _aiormq,
    "aiormq.exceptions": _exceptions("ChannelNotFoundEntity"),
    "boto3": _nothing,
    "boto3.dynamodb": _nothing,
    "boto3.dynamodb.conditions": _classes("Key"),
    "botocore": _nothing,
    "botocore.exceptions": _exceptions("BotoCoreError", "ClientError"),
    "dask": _dask,
    "matplotlib": _plotting,
    "matplotlib.ticker": _classes("FormatStrFormatter"),
    "pkg_resources": _pkg_resources,
    "pymongo": _nothing,
    "pymongo.collection": _classes("Collection"),
    "pymongo.errors": _exceptions("ConnectionFailure", "OperationFailure", "PyMongoError"),
    "randomname": _random_name,
    "sanic": _sanic,
    "sanic.request": _sanic,
    "sanic.response": _sanic,
    "sanic_cors": _cors,
    "sanic_jwt": _sanic_jwt,
    "structlog_sentry": _sentry,
    "terminaltables": _classes("SingleTable", "AsciiTable"),
}


class _StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers an import from one of the two tables."""

    def __init__(self, bodies: dict[str, Body]) -> None:
        self.bodies = bodies

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self.bodies:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, is_package=True)
        if name == "rasa.core.channels":  # its other modules (channel, rest) stay Rasa's own
            spec.submodule_search_locations = [os.path.join(folder, "channels") for folder in path or ()]
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self.bodies[module.__name__](module)


def _restore_dropped_names() -> None:
    """Names that newer releases of installed libraries have dropped and that Rasa still says."""
    import numpy
    import packaging.version

    if not hasattr(packaging.version, "LegacyVersion"):  # packaging >= 22
        packaging.version.LegacyVersion = type("LegacyVersion", (), {})  # type: ignore[attr-defined]
    if not hasattr(numpy, "VisibleDeprecationWarning"):  # numpy >= 2
        numpy.VisibleDeprecationWarning = numpy.exceptions.VisibleDeprecationWarning  # type: ignore[attr-defined]


def install() -> None:
    """Prepare this interpreter for `import rasa`. Must run before that import; a second call changes nothing.

    Raises:
        RuntimeError: rasa was imported already, or another version is installed.
    """
    if any(isinstance(finder, _StandIns) for finder in sys.meta_path):
        return
    if "rasa" in sys.modules:
        raise RuntimeError("rasa_light.install() must run before the first import of rasa")
    found = importlib.metadata.version("rasa")
    if found != RASA_VERSION:
        raise RuntimeError(f"rasa {found} is installed, the stand-ins fit {RASA_VERSION} only")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    warnings.filterwarnings("ignore", message=r"datetime\.datetime\.utcnow\(\) is deprecated", category=DeprecationWarning)
    sys.meta_path.insert(0, _StandIns(REPLACED))
    sys.meta_path.append(_StandIns(ABSENT))
    _restore_dropped_names()


def main() -> None:
    """Rasa's own command line, with the components and the importer of this repository on its path."""
    install()
    sys.path.insert(0, os.getcwd())
    sys.argv[0] = "rasa"
    from rasa.__main__ import main as rasa_main

    rasa_main()


if __name__ == "__main__":
    main()
