"""Computes that the site takes out of use: no new VM comes to them, and those that are there go.

They go by the image store, not from host to host: a VM is shut down and put aside (Nova's shelving: its disk becomes an
image), and to `move` it, taken up again where there is room. So nothing is lost, and no compute has to reach another.
"""

import time
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State, Value
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudResource, call, certain, forget, listed
from wallcloud.node.resources.cloud_computes import count, servers

REASON = "wallcloud: drained by the site"
SECONDS = 900
_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
_SERVICES = "/os-services"
_COMPUTE = "nova-compute"
_ASIDE = {"SHELVED_OFFLOADED"}
_CAN_GO = {"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", *_ASIDE}
"""Statuses from which Nova shelves."""


@frozen(kw_only=True)
class DrainedComputes(CloudResource):
    """The hosts in `move` and `stop` take no new VM and have none: theirs run elsewhere, or are put aside for their
    owners to take up again (`openstack server unshelve`). Others of `computes` that were drained are in use again."""

    kind: ClassVar[str] = "drained-computes"
    computes: tuple[str, ...]
    move: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "drained computes"

    @property
    def _hosts(self) -> tuple[str, ...]:
        return (*self.move, *self.stop)

    def desired(self, ctx: Context) -> State:
        state: dict[str, Value] = {"out of use without need": ()}
        for host in self._hosts:
            state[f"{host} takes VMs"] = False
            state[f"VMs on {host}"] = "none"
        return state

    def ahead(self, ctx: Context) -> None:
        """Not: whose VMs go is asked when its turn has come, and anew each time."""

    def read(self, ctx: Context) -> State | None:
        found = listed(ctx, self.access, "compute", _SERVICES, binary=_COMPUTE)
        if found is None:
            # Nothing was drained by a cloud that is not there yet.
            return None if self._hosts else self.desired(ctx)
        ours = {str(each["host"]) for each in found if self._ours(each)}
        enabled = {str(each["host"]) for each in found if each["status"] == "enabled"}
        state: dict[str, Value] = {"out of use without need": tuple(sorted(ours - {*self._hosts}))}
        for host in self._hosts:
            here = servers(ctx, self.access, host)
            state[f"{host} takes VMs"] = host in enabled
            state[f"VMs on {host}"] = count(here) if here else "none"
        return state

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        for each in certain(ctx, self.access, "compute", _SERVICES, binary=_COMPUTE):
            drained = each["host"] in self._hosts
            if drained and each["status"] == "enabled":
                self._put(ctx, each, {"status": "disabled", "disabled_reason": REASON})
            elif not drained and self._ours(each):
                self._put(ctx, each, {"status": "enabled"})
        forget(ctx, self.access, "compute", _SERVICES, binary=_COMPUTE)
        for host in self._hosts:
            here = servers(ctx, self.access, host)
            for done, server in enumerate(here):
                ctx.note(f"{'moves' if host in self.move else 'puts aside'} VMs of {host}", done, len(here))
                self._off(ctx, host, server)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        hosts = [host for host in self._hosts if any(each.property == f"VMs on {host}" for each in changes)]
        how = {host: "restarts its VMs elsewhere" if host in self.move else "stops its VMs" for host in hosts}
        return ", ".join(f"{host}: {what}" for host, what in how.items())

    def _ours(self, service: JSON) -> bool:
        """Whether a host is out of use by an apply of Wallcloud's, and no leaving one."""
        return service.get("disabled_reason") == REASON and service["host"] in self.computes

    def _put(self, ctx: Context, service: JSON, body: JSON) -> None:
        call(ctx, self.access, "compute", "PUT", f"{_SERVICES}/{service['id']}", body)

    def _off(self, ctx: Context, host: str, server: JSON) -> None:
        """Puts one VM aside, and takes it up elsewhere where it is to move. Raises ResourceFailed."""
        status = str(server["status"])
        if status not in _CAN_GO:
            raise ResourceFailed(
                f"{server['name']} ({server['id']}) on {host} is {status} and cannot be put aside",
                tried=f"drain {host}",
                hint="mend it, or delete it: openstack server show " + str(server["id"]),
            )
        if status not in _ASIDE:
            self._act(ctx, server, {"shelve": None}, _ASIDE)
            if host in self.stop:
                self._give(ctx, server)
        if host in self.move:
            self._act(ctx, server, {"unshelve": None}, {"ACTIVE"})
            if status == "SHUTOFF":
                self._act(ctx, server, {"os-stop": None}, {"SHUTOFF"})

    def _give(self, ctx: Context, server: JSON) -> None:
        """Gives the image of its disk, which is the admin's who shelved it, to the VM's project: Nova removes it, as
        that project's, when it is taken up again."""
        found = listed(ctx, self.access, "image", "/v2/images", visibility="all", instance_uuid=str(server["id"]))
        for image in found or ():
            if image["name"] == f"{server['name']}-shelved":
                body: list[JSON] = [
                    {"op": "replace", "path": "/owner", "value": server["tenant_id"]},
                    {"op": "replace", "path": "/visibility", "value": "private"},
                ]
                call(ctx, self.access, "image", "PATCH", f"/v2/images/{image['id']}", body, _PATCH)

    def _act(self, ctx: Context, server: JSON, action: JSON, until: set[str]) -> None:
        where = f"/servers/{server['id']}"
        call(ctx, self.access, "compute", "POST", f"{where}/action", action)
        deadline = time.monotonic() + SECONDS
        while True:
            found: JSON = call(ctx, self.access, "compute", "GET", where)["server"]
            if found["status"] in until and not found.get("OS-EXT-STS:task_state"):
                return
            if found["status"] == "ERROR" or time.monotonic() > deadline:
                fault = found.get("fault", {}).get("message", "")
                raise ResourceFailed(
                    f"{server['name']} ({server['id']}) is {found['status']} after {next(iter(action))}",
                    tried=f"{next(iter(action))} {server['id']}",
                    output=(str(fault),) if fault else (),
                    hint=f"openstack server event list {server['id']}",
                )
            time.sleep(2)
