"""Points and commas: which is the decimal sign of a column, and what is in doubt."""

import pytest

from data.external_tables.decimals import decimal_sign, in_doubt, with_point


@pytest.mark.parametrize(
    ("words", "sign", "read"),
    [
        (["1.028,0", "985,5", "1.204"], ",", ["1028.0", "985.5", "1204"]),
        (["1,028.0", "985.5", "1,204"], ".", ["1028.0", "985.5", "1204"]),
        (["1.234.567", "1.028", "0,5"], ",", ["1234567", "1028", "0.5"]),
        (["1,234,567", "1,028"], ".", ["1234567", "1028"]),
        (["1 234,5", "12"], ",", ["1234.5", "12"]),
        (["−3,5", "1,5e3", ",5"], ",", ["−3.5", "1.5e3", ".5"]),
        (["−1.003,5", "2,5"], ",", ["−1003.5", "2.5"]),
        (["1.028", "0.985", "12.5"], ".", ["1.028", "0.985", "12.5"]),
        (["1.028", "2.311"], ".", ["1.028", "2.311"]),  # seconds with three decimals
        (["45.123", "67.251", "100"], ".", ["45.123", "67.251", "100"]),  # a slider that ends at 100
        (["12,5", "fast. Very"], ",", ["12.5", "fast. Very"]),
        (["3", "12"], ".", ["3", "12"]),
    ],
)
def test_a_column_is_written_in_one_way(words, sign, read):
    assert decimal_sign(words) == sign
    assert [with_point(word, sign) for word in words] == read


@pytest.mark.parametrize("words", [["1.028,0", "0.5"], ["1.028,0", "1,028.0"], ["1.2.3"], ["0.5", "0,5"]])
def test_a_column_that_is_written_in_two_ways_has_no_sign(words):
    assert decimal_sign(words) == ""


@pytest.mark.parametrize(
    ("words", "likely_comma", "doubtful"),
    [
        (["0987", "1,234"], False, "1,234"),
        (["1,234", "2,311"], True, None),
        (["985", "812", "1.234"], True, "1.234"),
        (["985", "812", "1,234"], True, "1,234"),
        (["985", "812", "1.234", "0.5"], False, None),
        (["985", "1812", "1.234"], False, None),
        (["812,5", "1.234"], False, "1.234"),
    ],
)
def test_one_sign_that_may_part_thousands_is_in_doubt(words, likely_comma, doubtful):
    assert in_doubt(words, likely_comma) == doubtful
    if doubtful:
        assert decimal_sign(words, likely_comma=likely_comma) == ""


@pytest.mark.parametrize(("stated", "read"), [(",", "1234"), (".", "1.234")])
def test_what_the_user_says_settles_it(stated, read):
    sign = decimal_sign(["985", "812", "1.234"], stated)
    assert with_point("1.234", sign) == read


def test_points_are_decimal_where_commas_were_stated_and_none_fits():
    assert decimal_sign(["0.5", "1.25"], ",") == "."


@pytest.mark.parametrize(
    ("word", "read"), [("1.028,0", "1028.0"), ("1,028.0", "1028.0"), ("0,5", "0.5"), ("1.2,3", "1.2,3"), ("a,b", "a.b")]
)
def test_a_number_by_itself(word, read):
    assert with_point(word) == read
