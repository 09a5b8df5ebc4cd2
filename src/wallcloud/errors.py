"""The one error that users see: what is wrong, where, and what mends it."""


class WallcloudError(Exception):
    """Something a user can act on. `where` is `file:line` or `node resource`; `hint` is what mends it."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", output: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.output = output
