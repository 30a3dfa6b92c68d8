# SPDX-License-Identifier: BSD-3-Clause
"""Labs that are there, and jobs in those of Xen: guests of ringside-xen(1), and what they gave."""
import pytest

# Shell: a back-end at /tmp/s.
BACKEND = """\
{command} 2>/tmp/backend.log &
backend=$!
until [ -S /tmp/s ]; do usleep 10000; kill -0 $backend || break; done
"""


# Shell: hears PID returns when SIGUSR1 does not end that process any more; 1: it has ended. changing PID GUEST makes
# the first one's device change its configuration, again and again, until the second one ends.
CHANGES = """\
hears()
{
	while kill -0 $1; do
		for mask in SigCgt SigBlk; do
			[ $((0x$(sed -n "s/^$mask:[[:space:]]*//p" /proc/$1/status) & 0x200)) = 0 ] || return 0
		done
		usleep 10000
	done
	return 1
}
changing()
{
	hears $1 && while kill -0 $2 2>/dev/null; do kill -USR1 $1; usleep 50000; done
}
"""


def need_lab(ringside, name):
    """Its name, when its image is in the cache."""
    for line in ringside("lab", "list").stdout.splitlines():
        words = line.split()
        if words[0] == name and words[1] == "built":
            return name
    return pytest.skip(f"the image of lab {name} is not in the cache: ringside lab build {name}, or ci/labs")


def runs_in(name, ringside, tmp_path_factory):
    """A function of a script: run it in the lab; the completed process, and what was given: {name: text}."""
    need_lab(ringside, name)

    def run(script):
        folder = tmp_path_factory.mktemp("lab")
        path = folder / "script"
        path.write_text(script)
        out = folder / "out"
        done = ringside("lab", "run", name, str(path), "-o", str(out), "--timeout", "900",
                        status=None, timeout=1200)
        return done, {p.name: p.read_text(errors="replace") for p in out.iterdir()}
    return run


def probe(arch):
    return f"/guest/ringside-probe-{arch}"


def guest_of(arch):
    """A function that gives shell: run a guest with a device, and give its result and what was said."""
    def guest(device, words, *options, name="r"):
        return (f"ringside-xen {device} --kernel {probe(arch)} {' '.join(options)} --silence 60 "
                f"--append '{words}' --stream /tmp/{name}.stream >/tmp/{name}.log 2>&1\n"
                f"echo status $? >>/tmp/{name}.log\ngive {name}.log /tmp/{name}.log\n"
                f"ringside collect --from /tmp/{name}.stream --format json --output /tmp/{name}.json "
                f"2>/tmp/{name}.said\n"
                f"[ -s /tmp/{name}.json ] && give {name}.json /tmp/{name}.json\n"
                f"give {name}.said /tmp/{name}.said\n")
    return guest
