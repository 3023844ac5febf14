"""The README's section "How fast": one table and one picture of the figures."""

import html

README = "README.md"
PICTURE = "docs/how-fast.svg"
PARTS = "receivers,durable,asked,latency,fair"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"

BAR, GAP, GROUP, LEFT, WIDTH, LABEL = 16, 5, 34, 12, 760, 250
SCALE = 470
CUT = 4
"""A bar longer than so many times ours is cut, so that the others stay readable."""

STYLE = """text { font: 13px system-ui, sans-serif; fill: #1f2328 } .head { font-weight: 600 } .value { font-size: 12px }
.ours { fill: #0969da } .beside { fill: #8c959f } .paper { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #4493f8 } .beside { fill: #6e7681 } .paper { fill: #0d1117 } }"""


def number(value, digits):
    return f"{value:,.{digits}f}"


def amount(value, figure):
    text = number(value, figure["digits"])
    return f"{text}/s" if figure["unit"] == "a second" else f"{text} {figure['unit']}"


def table(figures):
    lines = ["| what | Bus | beside it, in the same run |", "|---|---|---|"]
    for figure in figures:
        low, high = (number(figure[key], figure["digits"]) for key in ("from", "to"))
        beside = "<br>".join(f"{name}: {amount(value, figure)} ({value / figure['ours']:.2f} ×)"
                             for name, value in figure["beside"].items())
        lines.append(f"| {figure['what']} | **{amount(figure['ours'], figure)}** [{low}–{high}] | {beside} |")
    return "\n".join(lines)


def picture(figures):
    """Horizontal bars, each figure with a scale of its own."""
    shapes, y = [], 8
    for figure in (figure for figure in figures if figure["beside"]):
        bars = [("Bus", figure["ours"], "ours")] + [(name, value, "beside") for name, value in figure["beside"].items()]
        longest = min(max(value for _, value, _ in bars), CUT * figure["ours"])
        side = "shorter is better" if figure["fewer_is_better"] else "longer is better"
        y += GROUP
        shapes.append(f'<text class="head" x="{LEFT}" y="{y - 10}">{html.escape(figure["what"])} ({side})</text>')
        for name, value, kind in bars:
            length = min(value, longest) / longest * SCALE * 0.82
            mark = " →" if value > longest else ""
            shapes.append(f'<text x="{LEFT}" y="{y + BAR - 3}">{html.escape(name)}</text>'
                          f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
                          f'<text class="value" x="{LABEL + length + 6:.1f}" y="{y + BAR - 3}">'
                          f'{html.escape(amount(value, figure) + mark)}</text>')
            y += BAR + GAP
    height = y + 8
    title = "How fast Bus is beside other programs; the table in the README has the same figures"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                      f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">', f"<title>{title}</title>",
                      f"<style>{STYLE}</style>", f'<rect class="paper" width="{WIDTH}" height="{height}"/>', *shapes, "</svg>", ""])


def write(figures, machine):
    """Puts the figures into the README, between its two marks, and draws the picture."""
    with open(README) as file:
        text = file.read()
    before, rest = text.split(START)
    after = rest.split(END)[1]
    section = f"{START}\n{table(figures)}\n\n![The same figures as bars]({PICTURE})\n\nMeasured on {machine}.\n{END}"
    with open(README, "w") as file:
        file.write(before + section + after)
    with open(PICTURE, "w") as file:
        file.write(picture(figures))
