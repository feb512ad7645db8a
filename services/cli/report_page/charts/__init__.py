"""Charts as inline SVG: no script, no font and no file from elsewhere; colours are the page's own."""
