"""Pictures of a site: `svg` from its design, `wallcloud.draw.png` from that."""

from wallcloud.draw.picture import svg
from wallcloud.draw.theme import Theme

__all__ = ["Theme", "svg"]
