"""Where each value of a site stands in its file."""

from collections.abc import Mapping
from dataclasses import field

from wallcloud.frozen import frozen
from wallcloud.site.finding import Location, Where


@frozen
class Locations:
    """`keys` and `values` hold the places of what is in the file; `texts` what a scalar looks like there."""

    file: str
    keys: Mapping[Where, Location] = field(default_factory=dict)
    values: Mapping[Where, Location] = field(default_factory=dict)
    texts: Mapping[Where, str] = field(default_factory=dict)

    def at(self, path: Where) -> Location:
        """The place of the value at `path`, or of the nearest thing around it that is in the file.

        A scalar or list item is pointed at itself, a whole mapping or list at its key.
        """
        for length in range(len(path), 0, -1):
            part = path[:length]
            here = self.values.get(part) if part in self.texts else self.keys.get(part, self.values.get(part))
            if here:
                return here
        return self.values.get((), Location(self.file, 1, 1))

    def key(self, path: Where) -> Location:
        """The place of the key that ends `path`, else as `at`."""
        return self.keys.get(path) or self.at(path)
