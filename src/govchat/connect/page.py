"""The page an administrator sees when Zalo leads them back: what happened and what to do next, in Vietnamese, nothing from elsewhere."""

from html import escape

_PAGE = """<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ margin: 0; background: #f3f5f7; color: #1b2733; font: 18px/1.55 system-ui, sans-serif; }}
main {{ max-width: 38rem; margin: 8vh auto; padding: 2rem; background: #fff; border-top: 6px solid {colour}; border-radius: 6px; }}
h1 {{ margin: 0 0 1rem; font-size: 1.5rem; }}
code {{ background: #eef1f4; padding: 0 .25em; border-radius: 3px; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{paragraphs}
</main>
</body>
</html>
"""


def page(title: str, *paragraphs: str, good: bool) -> str:
    """A whole page; the words are escaped, `commands in backticks` stand out."""
    told = "\n".join(f"<p>{_marked(paragraph)}</p>" for paragraph in paragraphs)
    return _PAGE.format(title=escape(title), colour="#0d7a5f" if good else "#b3261e", paragraphs=told)


def _marked(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
