"""Two opinions on one text, averaged in probability: a linear one on word and character n-grams, a kernel one on sentence vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bot.engine.nlu import encoder
from bot.engine.nlu.encoder import Vectors

Probabilities = NDArray[np.float64]

# what we hand over is checked by us; its checks would cost as much as the sums
sklearn.set_config(assume_finite=True, skip_parameter_validation=True)

# All constants were chosen on the development set (docs/understanding.md).
NGRAM_C = 0.3
NGRAM_SHARPNESS = 3.0
"""The linear machine's margins become probabilities by a softmax of this sharpness."""
LANDMARKS = 4_000
KERNEL_WIDTH = 1.5
KERNEL_RIDGE = 0.1
KERNEL_SHARPNESS = 4.0
VECTOR_SHARE = 0.4
"""Share of the vectors' opinion in the average."""
RAREST_WORDS, RAREST_LETTERS = 2, 3
"""N-grams of words, of letters, are learnt that stand in so many training texts."""
FEW = 20
"""Of fewer training texts than so many for each time, rarer n-grams are learnt too: else none might remain."""
SECONDARY_WEIGHT = 0.5
"""What an example counts that was written for another purpose (a facet's question, read as an example of its topic)."""


class KernelMachine:
    """Regularised least squares with a Gaussian kernel at landmarks: closed form, seconds for ten thousand examples.

    On our sentences it knows 5 to 8 of a hundred more than a linear machine on the same vectors.
    """

    def __init__(self, vectors: Vectors, labels: Sequence[str], classes: Sequence[str]) -> None:
        order = np.random.default_rng(1).permutation(len(vectors))
        self.landmarks = vectors[order[:LANDMARKS]]
        targets = np.full((len(labels), len(classes)), -1.0, np.float32)
        place = {name: number for number, name in enumerate(classes)}
        targets[np.arange(len(labels)), [place[label] for label in labels]] = 1.0
        near = self._kernel(vectors)
        system = near.T @ near + KERNEL_RIDGE * self._kernel(self.landmarks)
        system[np.diag_indices(len(system))] += 1e-2  # landmarks may be nearly the same sentence
        self.weights = cho_solve(cho_factor(system, overwrite_a=True, check_finite=False), near.T @ targets).astype(np.float32)

    def _kernel(self, vectors: Vectors) -> Vectors:
        return _bell(vectors @ self.landmarks.T)

    def read(self, vector: Vectors) -> tuple[Vectors, float]:
        """How much each class is favoured, shape (classes,), and the cosine to the nearest landmark."""
        cosines = self.landmarks @ vector
        return _bell(cosines) @ self.weights, float(cosines.max())


def _bell(cosines: Vectors) -> Vectors:
    found: Vectors = np.exp(2 * KERNEL_WIDTH * (cosines - 1), dtype=np.float32)
    return found


class Opinion(NamedTuple):
    """What a classifier makes of a text.

    Attributes:
        probabilities: of its classes, shape (len(classes),).
        nearness: how near the text is to the nearest training text, as a cosine; 1 where there are no vectors.
    """

    probabilities: Probabilities
    nearness: float


SIZES = {"word": (1, 3), "char_wb": (2, 5)}


def _vectorizer(analyzer: str, rarest: int = 1) -> TfidfVectorizer:
    pattern = r"\S+" if analyzer == "word" else None
    return TfidfVectorizer(
        analyzer=analyzer, ngram_range=SIZES[analyzer], min_df=rarest, token_pattern=pattern, sublinear_tf=True, lowercase=False
    )


@cache
def _splitter(analyzer: str) -> Callable[[str], list[str]]:
    split: Callable[[str], list[str]] = _vectorizer(analyzer).build_analyzer()
    return split


@lru_cache(maxsize=64)
def _split(analyzer: str, text: str) -> list[str]:
    """All n-grams of a text; the classifiers that read one message share them."""
    return _splitter(analyzer)(text)


class Grams:
    """N-grams of a text, weighed as scikit-learn's vectorizer learnt it; reading one text here costs a fifth of its `transform`."""

    def __init__(self, analyzer: str, rarest: int) -> None:
        self._analyzer, self._rarest = analyzer, rarest

    def fit(self, texts: list[str]) -> csr_matrix:
        """Learn the n-grams that are frequent enough, and read the texts."""
        learner = _vectorizer(self._analyzer, max(1, min(self._rarest, len(texts) // FEW)))
        rows = learner.fit_transform(texts)
        self._numbers: dict[str, int] = learner.vocabulary_
        self._rarity = learner.idf_.astype(np.float32)
        return rows

    def __len__(self) -> int:
        return len(self._numbers)

    def read(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The numbers of the known n-grams of a text, and their weights."""
        counts = Counter(number for gram in _split(self._analyzer, text) if (number := self._numbers.get(gram)) is not None)
        numbers = np.fromiter(counts.keys(), np.int64, len(counts))
        weights = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self._rarity[numbers]
        return numbers, weights / max(float(np.linalg.norm(weights)), 1e-9)


class TextClassifier:
    """Trained on texts that the corrector has read; classes are any strings.

    Attributes:
        classes: sorted names, the order of all probabilities.
    """

    def __init__(self, vector_share: float = VECTOR_SHARE) -> None:
        self.classes: list[str] = []
        self._share = vector_share
        self._grams: list[Grams] = []
        self._weights = self._intercept = np.empty(0, np.float32)
        self._kernel: KernelMachine | None = None

    def fit(
        self, read: Sequence[str], labels: Sequence[str], misspelt: Sequence[str], secondary: Sequence[bool] | None = None
    ) -> TextClassifier:
        """Train.

        Args:
            read: corrected texts.
            labels: one a text.
            misspelt: what the corrector makes of misspelt copies of the same texts; the n-grams learn from both.
            secondary: which examples were written for another purpose: they count less, and not for the vectors.
        """
        second = np.array(secondary if secondary is not None else [False] * len(read))
        self.classes = sorted(set(labels))
        first = [int(i) for i in np.flatnonzero(~second)]
        weights = np.tile(np.where(second, SECONDARY_WEIGHT, 1.0), 2)
        with ThreadPoolExecutor(2) as threads:  # both spend their time outside the interpreter's lock
            linear = threads.submit(self._fit_linear, [*read, *misspelt], [*labels, *labels], weights)
            if encoder.available():
                self._kernel = KernelMachine(encoder.encode([read[i] for i in first]), [labels[i] for i in first], self.classes)
            linear.result()
        return self

    def _fit_linear(self, texts: list[str], labels: list[str], weights: NDArray[np.float64]) -> None:
        self._grams = [Grams("word", RAREST_WORDS), Grams("char_wb", RAREST_LETTERS)]
        grams = hstack([kind.fit(texts) for kind in self._grams], format="csr")
        machine = LinearSVC(C=NGRAM_C, random_state=1).fit(grams, labels, sample_weight=weights)
        # a row a feature: a message has some hundred of them, and reads only their rows
        self._weights = np.ascontiguousarray(machine.coef_.T, np.float32)
        self._intercept = machine.intercept_.astype(np.float32)

    def opinion(self, read: str) -> Opinion:
        """What one corrected text is."""
        (words, word_weights), (letters, letter_weights) = (kind.read(read) for kind in self._grams)
        margins = self._intercept + word_weights @ self._weights[words] + letter_weights @ self._weights[letters + len(self._grams[0])]
        if len(margins) == 1:  # two classes: one margin
            margins = np.array([-margins[0], margins[0]])
        by_grams: Probabilities = softmax(NGRAM_SHARPNESS * margins)
        if self._kernel is None or not encoder.available():
            return Opinion(by_grams, 1.0)
        favoured, nearness = self._kernel.read(encoder.vector(read))
        by_vector: Probabilities = softmax(KERNEL_SHARPNESS * favoured.astype(np.float64))
        return Opinion((1 - self._share) * by_grams + self._share * by_vector, nearness)
