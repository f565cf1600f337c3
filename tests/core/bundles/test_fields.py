"""Words of a URL as values."""

import pytest

from raphe.core.bundles.fields import Field, from_text, read_fields
from raphe.core.errors import SettingError

FIELDS = (Field("rate_hz", "number", "a rate"), Field("prevalence", "shares", "of classes"))


@pytest.mark.parametrize("word", [".", "-.", ".e5", "", "1.2.3", "1e", "٣"])
def test_a_word_that_is_no_number_is_one_sentence(word: str) -> None:
    for name, text in (("rate_hz", word), ("prevalence", f"SER={word}")):
        with pytest.raises(SettingError, match=f"{name}: expected (a finite|CLASS=SHARE)"):
            read_fields(from_text({name: text}, FIELDS), FIELDS)


def test_numbers_are_read_however_they_are_written() -> None:
    texts = {"rate_hz": "-1.5e+2", "prevalence": "SER=.3, NSER=1."}
    assert read_fields(from_text(texts, FIELDS), FIELDS) == {
        "rate_hz": -150.0,
        "prevalence": {"SER": 0.3, "NSER": 1.0},
    }


def test_a_class_that_comes_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="each once"):
        read_fields(from_text({"prevalence": "SER=0.3,SER=0.9"}, FIELDS), FIELDS)
