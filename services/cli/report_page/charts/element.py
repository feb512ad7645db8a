"""SVG elements, with everything escaped that comes from outside."""

from markupsafe import Markup, escape


def element(name: str, *children: str, **attributes: str | float) -> Markup:
    """Returns an element.

    Args:
        name: Of the element.
        children: Its content; text is escaped, `Markup` is not.
        attributes: By name, `_` for `-`, and `class_` for `class`; numbers are rounded to a tenth.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _written(value))
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, Markup("").join(escape(one) for one in children))  # noqa: S704 - the names are this package's own


def chart(width: float, height: float, label: str, *children: str) -> Markup:
    """Returns a drawing that is as wide as the page lets it be, at most `width`, and that is told as `label`."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        class_="chart",
        role="img",
        aria_label=label,
        style=f"max-width:{width:g}px",
    )


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 1):g}"
