# SPDX-License-Identifier: BSD-3-Clause
"""Devices of Linux's own, in the lab `vhost`: no guest, no hypervisor, and a driver that is ringside itself, by
the targets vdpa: and vhost:."""
import os
import shlex

from ringside_scenario import programs, results
from ringside_scenario.hypervisor.lab import HZ, REQUESTS, LabHypervisor
from ringside_scenario.outcome import Failed, Outcome

# Wait until FILE is there.
WAIT = """\
until_there()
{
	n=0
	until [ -e "$1" ]; do
		n=$((n + 1))
		if [ $n -gt 500 ]; then
			verdict error "$1 did not come: $(tail -n 1 /tmp/log)"
			return 1
		fi
		usleep 10000
	done
}
"""
VDPA = "vdpa:/dev/vhost-vdpa-0"
SIMULATED = """\
/bin/vdpa dev add name sim mgmtdev vdpasim_{device} 2>/tmp/log
until_there /dev/vhost-vdpa-0 || return 1
"""
# What goes out comes back, and nothing else is sent. By their paths: busybox has words of these names, too.
LOOP = """\
/bin/ip tuntap add dev loop0 mode tap vnet_hdr &&
	/bin/ip link set loop0 up &&
	/bin/tc qdisc add dev loop0 clsact &&
	/bin/tc filter add dev loop0 ingress matchall action mirred egress redirect dev loop0 ||
	{{ verdict error "a TAP device could not be made a loop"; return 1; }}
until_there /dev/vhost-net || return 1
"""
# A disk in memory, as unit 0 of target 0. A nexus is who asks: the driver.
SCSI = """\
core=/sys/kernel/config/target/core/rd_mcp_0/disk
wwpn=/sys/kernel/config/target/vhost/naa.5001405000000001
mount -t configfs none /sys/kernel/config 2>>/tmp/log
mkdir -p $core && echo rd_pages=4096 >$core/control && echo 1 >$core/enable &&
	mkdir -p $wwpn/tpgt_0/lun/lun_0 && echo naa.5001405000000002 >$wwpn/tpgt_0/nexus &&
	ln -s $core $wwpn/tpgt_0/lun/lun_0/disk ||
	{{ verdict error "a SCSI target could not be made"; return 1; }}
until_there /dev/vhost-scsi || return 1
"""
# connect: {device: (what makes it, target, what reports call who implements it)}
DEVICES = {
    "vdpa-sim": {"blk": (SIMULATED, VDPA, "vdpa_sim_blk"), "net": (SIMULATED, VDPA, "vdpa_sim_net")},
    "vduse": {"blk": ("", "vdpa: --command 'sh /job/vduse {socket}'", "qemu-storage-daemon")},
    "vhost": {"net": (LOOP, "vhost:/dev/vhost-net,tap=loop0", "vhost_net"),
              "vsock": ("until_there /dev/vhost-vsock || return 1\n", "vhost:/dev/vhost-vsock,cid=7",
                        "vhost_vsock"),
              "scsi": (SCSI, "vhost:/dev/vhost-scsi,wwpn=naa.5001405000000001", "vhost_scsi")},
}
RUN = """\
ringside conform {target} --device {device} --name {name} {options} --format json -o /tmp/conform.json 2>>/tmp/log
status=$?
give log /tmp/log
[ -s /tmp/conform.json ] && give conform.json /tmp/conform.json
verdict exit $status
"""
OPTIONS = ("check", "clause", "timeout", "quiet")
# The clock is that of the lab, and each notification is waited for: then two runs are the same.
MEASURE = """\
ringside bench {target} --device {device} --name {name} {options} --notified --warmup 0 --counter-hz {hz} --no-floor \
	--raw /tmp/raw >/dev/null 2>>/tmp/log
status=$?
give log /tmp/log
[ -s /tmp/raw ] && give raw /tmp/raw
verdict exit $status
"""


class VhostLab(LabHypervisor):
    name = "vhost-lab"
    lab = "vhost"
    prefix = "linux"
    connects = tuple(DEVICES)

    def fold(self, axes):
        made = DEVICES.get(axes["connect"], {}).get(axes["device"])
        if axes["driver"] != "host" or not made:
            return None
        return {**axes, "arch": self.arch, "transport": made[1].partition(":")[0], "backend": made[2]}

    def missing(self, cell, ctx):
        if cell.stages:
            return "nothing in the kernel tells of a request's stages"
        return self.missing_lab()

    def script(self, cell):
        make, target, _ = DEVICES[cell.connect][cell.device]
        if cell.job == "bench":
            return WAIT + make.format(device=cell.device) + self._measure(cell, target)
        options = [f"--{key} {shlex.quote(str(cell.options[key]))}" for key in OPTIONS if key in cell.options]
        text = WAIT + make.format(device=cell.device)
        if cell.expect_files:
            options.append("--expect /tmp/expect")
            text += "cat >/tmp/expect <<'END'\n"
            for path in cell.expect_files:
                with open(path, encoding="utf-8") as f:
                    text += f.read().rstrip("\n") + "\n"
            text += "END\n"
        return text + RUN.format(target=target, device=cell.device, name=shlex.quote(cell.target_name),
                                 options=" ".join(options))

    @staticmethod
    def _measure(cell, target):
        load = cell.options
        options = ["--wait", cell.wait, "--requests", load.get("requests", REQUESTS),
                   "--queue-depth", load.get("queue-depth", 1)]
        if cell.device == "blk":
            options += ["--op", cell.op, "--block-size", load.get("block-size", 4096)]
        return MEASURE.format(target=target, device=cell.device, name=shlex.quote(cell.target_name), hz=HZ,
                              options=shlex.join(map(str, options)))

    def job_files(self, snapshot):
        with open(programs.scenario("targets/qemu-storage-daemon-vduse"), "rb") as f:
            return {"job/vduse": f.read()}

    def _judge(self, cell, ctx, channel, files):
        what, text = channel.verdict or ("hypervisor", "the lab's job said nothing of how it ended")
        done = ("0",) if cell.job == "bench" else ("0", "1") if "conform.json" in files else ()
        if what == "exit" and text in done:
            return
        why = text
        if "log" in files:
            with open(files["log"], encoding="utf-8", errors="replace") as f:
                why = (f.read().strip().splitlines() or [text])[-1][:200]
        raise Failed("error" if what in ("exit", "error") else what, why)

    def _conform(self, cell, ctx, files):
        found = results.read(files["conform.json"])
        if not found:
            raise Failed("error", "the lab gave no result")
        os.replace(files["conform.json"], os.path.join(ctx.folder, "conform.json"))
        bad = any(c.get("unexpected") for c in found["checks"])
        return Outcome("fail" if bad else "pass", results.first_finding(found) if bad else "", ["conform.json"],
                       results.summarise(found))


def named(_name):
    return VhostLab()
