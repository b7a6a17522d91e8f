"""What every view returns: a drawing, and a text that tells the same to those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct


class Picture(Struct, frozen=True):
    """One SVG, whole and self-contained, and the story it shows."""

    svg: str
    text: str

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file; the same bytes on every system."""
        path = Path(path)
        path.write_bytes(self.svg.encode())
        return path

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, str]:
        """Three ways to show it; the front end picks.

        HTML comes as well as SVG because JupyterLab puts an SVG into an `img`, where the colours of a
        dark theme cannot reach it; as HTML the same SVG stands in the page and takes them.
        """
        return {"text/html": self.svg, "image/svg+xml": self.svg, "text/plain": self.text}
