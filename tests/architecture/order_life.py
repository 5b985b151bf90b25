"""Draws an order's life into core/README.md from the table in core/domain/orders.py.

`python -m tests.architecture.order_life` writes it anew; test_order_life.py holds the drawing against the table.
"""

from pathlib import Path

from core.domain.orders import DONE, LIFE, State

README = Path(__file__).parents[2] / "core" / "README.md"
BEGIN, END = "<!-- order life: begin -->", "<!-- order life: end -->"


def drawing() -> str:
    """A diagram of the moves between states, and a table of all of them with what each stands for."""
    first = LIFE[0].was.value
    arrows = [f"    {move.was.value} --> {move.to.value}" for move in LIFE if move.was is not move.to]
    ends = [f"    {state.value} --> [*]" for state in State if state in DONE]
    diagram = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *arrows, *ends, "```"]
    rows = [f"| {move.was.value} | {move.to.value} | {move.when} |" for move in LIFE]
    return "\n".join([*diagram, "", "| from | to | when |", "|---|---|---|", *rows])


def drawn(text: str) -> str:
    """The part of a README between the marks."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n{drawing()}\n{END}{after}", encoding="utf-8")
