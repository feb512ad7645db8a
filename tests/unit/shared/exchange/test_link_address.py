"""Addresses of links are read as people write them."""

import pytest

from shared.exchange.link_address import LinkAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("recall:50063", LinkAddress("recall", 50063)),
        ("0.0.0.0:1", LinkAddress("0.0.0.0", 1)),  # noqa: S104 - what an operator would write
        ("[::1]:65535", LinkAddress("::1", 65535)),
        ("unix-abstract:winnow-50053", LinkAddress(name="winnow-50053")),
    ],
)
def test_an_address_is_read(text: str, address: LinkAddress) -> None:
    """In TCP, or of this machine."""
    assert LinkAddress.parse(text) == address


@pytest.mark.parametrize(
    "text", ["recall", ":50063", "recall:", "recall:0", "recall:65536", "recall:x", "unix-abstract:"]
)
def test_what_is_none_is_refused(text: str) -> None:
    """The error quotes it, and says what would be one."""
    with pytest.raises(ValueError, match="neither host:port nor unix-abstract:name") as error:
        LinkAddress.parse(text)
    assert repr(text) in str(error.value)
