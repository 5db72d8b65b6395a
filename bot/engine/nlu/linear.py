"""Two linear classifiers over one text, averaged in probability: word and character n-grams, and sentence vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from bot.engine.nlu import encoder
from bot.engine.nlu.text import misspelt

Probabilities = NDArray[np.float64]

NGRAM_C = 0.35
"""Regularisation of the n-gram classifier; chosen on the development set, like the other constants here."""
NGRAM_SHARPNESS = 3.5
"""Its margins become probabilities by a softmax of this sharpness."""
VECTOR_C = 30.0
VECTOR_SHARE = 0.5
"""Share of the vectors' opinion in the average."""


class TextClassifier:
    """Trained on texts that the corrector has read; classes are any strings.

    Attributes:
        classes: sorted names, the order of all probabilities.
    """

    def __init__(self) -> None:
        self.classes: list[str] = []
        self._features: Any = None
        self._ngrams: Any = None
        self._vectors: Any = None

    def fit(self, texts: Sequence[str], labels: Sequence[str], correct: Callable[[str], str], noisy: bool = True) -> TextClassifier:
        """Train.

        Args:
            texts: as people write them.
            labels: one a text.
            correct: the corrector; the n-grams see what it makes of a text and of a misspelt copy, the vectors the text's correction.
            noisy: whether misspelt copies are added.
        """
        read = [correct(text) for text in texts]
        grams, gram_labels = list(read), list(labels)
        if noisy:
            grams += [correct(misspelt(text, _seed(text))) for text in texts]
            gram_labels += labels
        self._features = FeatureUnion(
            [
                (
                    "words",
                    TfidfVectorizer(
                        analyzer="word", ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True, min_df=2, lowercase=False
                    ),
                ),
                (
                    "letters",
                    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=3, lowercase=False, dtype=np.float32),
                ),
            ]
        )
        matrix = self._features.fit_transform(grams)
        self._ngrams = LinearSVC(C=NGRAM_C, class_weight="balanced", dual=True, max_iter=2000, random_state=1).fit(matrix, gram_labels)
        self.classes = [str(c) for c in self._ngrams.classes_]
        if encoder.available():
            self._vectors = LogisticRegression(C=VECTOR_C, class_weight="balanced", max_iter=200).fit(encoder.encode(read), labels)
        return self

    def probabilities(self, read: Sequence[str]) -> Probabilities:
        """Probabilities of the classes for corrected texts, shape (len(read), len(classes))."""
        margins = self._ngrams.decision_function(self._features.transform(read))
        if margins.ndim == 1:  # two classes: one margin
            margins = np.stack([-margins, margins], axis=1)
        by_grams: Probabilities = softmax(NGRAM_SHARPNESS * margins, axis=1)
        if self._vectors is None or not encoder.available():
            return by_grams
        vectors = np.stack([encoder.vector(text) for text in read])
        by_vectors: Probabilities = self._vectors.predict_proba(vectors)
        return (1 - VECTOR_SHARE) * by_grams + VECTOR_SHARE * by_vectors


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
