"""How a resource fails: what is wrong, what was tried, the program's last words and what mends it."""


class ResourceFailed(Exception):
    """A resource could not be read or applied. No field may hold a secret.

    `what` is one line for people; `tried` the command or act; `output` the last lines of the program's own output;
    `hint` what mends it.
    """

    def __init__(self, what: str, *, tried: str = "", output: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.tried = tried
        self.output = output
        self.hint = hint


class Cancelled(Exception):
    """The deployer said `cancel` or went away while a resource waited for it."""
