"""What people did and candidates, by what is written about them: a text-CNN reads every item."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.content.text_cnn import TextCnn
from services.training.content.vocabulary import Vocabulary
from services.training.history import recency_weights
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, perceptron
from services.training.ranking.user_slots import UserFeatures, UserSlots
from services.training.recall.model import Unsuitable
from shared.word_projection import document

_ITEMS_AT_A_TIME = 512


class TextCnnConfig(DeepConfig):
    """Settings of the ranker that reads."""

    embedding: int = Field(default=32, ge=1, description="Length of the words' vectors.")
    filters: int = Field(default=32, ge=1, description="Phrases of 3, of 4 and of 5 words that are looked for, each.")
    words: int = Field(default=48, ge=1, description="First words of an item that are read.")
    max_terms: int = Field(default=20_000, ge=1, description="Most words of the vocabulary.")
    half_life: float = Field(default=10.0, gt=0, description="Items after which an item of the history counts half.")


class ReadItems(nn.Module):
    """A vector for each item of the catalogue, made of its title, categories and text.

    Fitting reads the items of a batch; in evaluation mode all have been read, and a vector is looked up.

    Args:
        words: int64 [items, length], the words of each item in their order, as `Vocabulary.numbers` gives them.
        terms: Words of the vocabulary.
        config: Sizes.
    """

    words: Tensor
    read: Tensor

    def __init__(self, words: Tensor, terms: int, config: TextCnnConfig) -> None:
        super().__init__()
        self.cnn = TextCnn(terms, config.embedding, config.filters)
        self.output = nn.Linear(self.cnn.dimension, config.dimension)
        # The words are the data's, and part of no checkpoint; the vectors are kept with the parameters that made them.
        self.register_buffer("words", words, persistent=False)
        self.register_buffer("read", torch.zeros(len(words), config.dimension))

    def train(self, mode: bool = True) -> Self:
        """Reads all items when fitting gives way to evaluation."""
        done = self.training and not mode
        super().train(mode)
        if done:
            with torch.no_grad():
                self.read.copy_(torch.cat([self._of(words) for words in torch.split(self.words, _ITEMS_AT_A_TIME)]))
        return self

    def forward(self, history: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Returns vectors: float [queries, length, dimension] and [n, dimension].

        Args:
            history: int64 [queries, length] item rows.
            candidates: int64 [n] item rows.
        """
        if not self.training:
            return self.read[history], self.read[candidates]
        rows, places = torch.unique(torch.cat([history.flatten(), candidates]), return_inverse=True)
        vectors = self._of(self.words[rows])[places]
        of_history, of_candidates = torch.split(vectors, [history.numel(), len(candidates)])
        return of_history.reshape(*history.shape, -1), of_candidates

    def _of(self, words: Tensor) -> Tensor:
        vectors: Tensor = self.output(self.cnn(words))
        return vectors


class TextCnnRanker(nn.Module):
    """Hidden layers over a person, who is what they did and their attributes, and a candidate (Kim, EMNLP 2014).

    What somebody did is the mean of the items' vectors, by recency; it also meets the candidate's vector number by number.
    An item that nobody has met is scored by what is written about it.

    Args:
        shape: Of the data.
        config: Sizes.

    Raises:
        Unsuitable: no two items have a word in common.
    """

    def __init__(self, shape: RankerShape, config: TextCnnConfig) -> None:
        super().__init__()
        documents = [document(item.title, item.categories, item.text) for item in shape.items_described]
        vocabulary = Vocabulary.of(documents, config.max_terms)
        if not vocabulary.terms:
            raise Unsuitable(
                "text_cnn ranks by titles, categories and texts, and there are no words; choose mlp or din"
            )
        self.half_life = config.half_life
        words = torch.as_tensor(vocabulary.numbers(documents, config.words))
        self.items = ReadItems(words, len(vocabulary.terms), config)
        self.users = nn.Linear(shape.user_features, config.dimension, bias=False)
        width = 4 * config.dimension + len(shape.item_features)
        self.deep = perceptron(width, len(shape.objectives), config)

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        of_history, item = self.items(history.clamp(min=0), candidates)
        weights = recency_weights(history, self.half_life)
        done = torch.matmul(weights[:, None], of_history).squeeze(1)[candidate_query]
        about = self._attributes(user_features)[candidate_query]
        scores: Tensor = self.deep(torch.cat([done, about, item, done * item, candidate_features], dim=1))
        return scores

    def _attributes(self, user_features: UserFeatures) -> Tensor:
        if isinstance(user_features, UserSlots):
            table = self.users.weight.T
            return (table[user_features.columns] * user_features.values[..., None]).sum(dim=1)
        looked_up: Tensor = self.users(user_features)
        return looked_up


TEXT_CNN = RankerFamily(
    name="text_cnn",
    summary="A text-CNN reads what people did and the candidate: titles, categories, texts (Kim, EMNLP 2014)",
    config=TextCnnConfig,
    build=TextCnnRanker,
)
