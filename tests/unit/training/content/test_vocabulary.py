"""Words as numbers."""

from services.training.content.vocabulary import NO_WORD, Vocabulary


def test_words_have_numbers_in_the_order_in_which_they_are_written() -> None:
    """Unknown words are left out, and short texts end in padding."""
    vocabulary = Vocabulary(["river", "swallow"])
    numbers = vocabulary.numbers(["Swallow, meet the River! RIVER.", "", "falcon"], length=4)
    assert numbers.tolist() == [[2, 1, 1, NO_WORD], [NO_WORD] * 4, [NO_WORD] * 4]


def test_a_long_text_is_cut_after_its_first_known_words() -> None:
    """Words that nobody knows take no place."""
    assert Vocabulary(["a1", "b2"]).numbers(["xx a1 yy b2 a1"], length=2).tolist() == [[1, 2]]


def test_the_most_frequent_words_are_taken_and_those_of_one_document_never() -> None:
    """Ties go by the alphabet, so that equal data give equal vocabularies."""
    documents = ["owl oak ivy", "owl oak ivy", "owl elm elm elm", "owl fir"]
    assert Vocabulary.of(documents, max_terms=10).terms == ["owl", "ivy", "oak"]
    assert Vocabulary.of(documents, max_terms=2).terms == ["owl", "ivy"]
