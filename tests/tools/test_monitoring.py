# SPDX-License-Identifier: BSD-2-Clause
"""Metrics, alerts and the dashboard as Prometheus's own promtool sees them."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from ctl import CtlTest
from mount import CTL, OWNER, Mount, as_user

ALERTS = os.path.abspath("daemon/monitoring/shmfs-alerts.yml")
DASHBOARD = "daemon/monitoring/shmfs-dashboard.json"
STORE = os.path.abspath("build-test/promtool")

# Told by node_exporter of the files that it reads.
FOREIGN = {"node_textfile_mtime_seconds"}

MOUNT, TENANT = '{mount="/shm"}', '{mount="/shm",tenant="app",id="1"}'
REFUSED, TENANT_REFUSED = (
    'shmfs_refused_total{mount="/shm",limit="%s"}',
    'shmfs_tenant_refused_total{mount="/shm",tenant="app",id="1",limit="%s"}',
)
GONE = 'shmfs_size_bytes{mount="/gone"}'
FILE = 'node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/%s.prom"}'
ALWAYS, JUST, LONG_AGO = "%d+0x150", "0+0x145 1+0x5", "0+0x100 1+0x50"

# What fires after 150 minutes of these series, a sample a minute.
CASES = (
    ({}, {}),
    *(
        ({alert: 1} if fires else {}, {used + labels: ALWAYS % use, limit + labels: ALWAYS % most})
        for alert, used, limit, labels in (
            ("ShmfsNearlyFull", "shmfs_size_bytes", "shmfs_size_limit_bytes", MOUNT),
            ("ShmfsNearlyOutOfInodes", "shmfs_inodes", "shmfs_inodes_limit", MOUNT),
            (
                "ShmfsTenantNearlyFull",
                "shmfs_tenant_size_bytes",
                "shmfs_tenant_size_limit_bytes",
                TENANT,
            ),
            (
                "ShmfsTenantNearlyOutOfInodes",
                "shmfs_tenant_inodes",
                "shmfs_tenant_inodes_limit",
                TENANT,
            ),
        )
        for use, most, fires in ((91, 100, True), (90, 100, False), (91, 0, False), (0, 0, False))
    ),
    # Each mount by itself, and who has no limit of their own not at all.
    (
        {"ShmfsNearlyFull": 2},
        {
            "shmfs_size_bytes" + labels: ALWAYS % 95
            for labels in (MOUNT, '{mount="/a"}', '{mount="/a",device="0:9"}')
        }
        | {
            "shmfs_size_limit_bytes" + MOUNT: ALWAYS % 100,
            'shmfs_size_limit_bytes{mount="/a"}': ALWAYS % 1000,
            'shmfs_size_limit_bytes{mount="/a",device="0:9"}': ALWAYS % 100,
            'shmfs_tenant_size_bytes{mount="/shm",tenant="others",id=""}': ALWAYS % 95,
        },
    ),
    ({"ShmfsRefused": 2}, {REFUSED % "size": JUST, REFUSED % "user_inodes": JUST}),
    ({"ShmfsOutOfMemory": 1}, {REFUSED % "memory": JUST, REFUSED % "size": LONG_AGO}),
    ({}, {REFUSED % "memory": LONG_AGO, REFUSED % "nr_inodes": ALWAYS % 7}),
    # Once, whether the tenant has series or is one of too many.
    (
        {"ShmfsTenantRefused": 1},
        {REFUSED % "tenant_size": JUST, TENANT_REFUSED % "tenant_size": JUST},
    ),
    (
        {"ShmfsTenantRefused": 1},
        {REFUSED % "tenant_size": JUST, TENANT_REFUSED % "tenant_size": ALWAYS % 3},
    ),
    ({}, {REFUSED % "tenant_size": LONG_AGO, TENANT_REFUSED % "tenant_inodes": LONG_AGO}),
    ({"ShmfsRestarting": 1}, {"shmfs_restarts_total" + MOUNT: JUST}),
    ({}, {"shmfs_restarts_total" + MOUNT: LONG_AGO}),
    ({"ShmfsMetricsGone": 1}, {GONE: "1+0x120", "shmfs_size_bytes" + MOUNT: ALWAYS % 1}),
    # One that is there, one for a moment, and one that came lately.
    ({}, {GONE: ALWAYS % 1}),
    ({}, {GONE: "_x70 1+0x50"}),
    ({}, {GONE: "_x100 1+0x50"}),
    ({"ShmfsMetricsStale": 1}, {FILE % "shmfs": ALWAYS % 8000, FILE % "other": ALWAYS % 0}),
    ({}, {FILE % "shmfs": ALWAYS % 8500}),
)


def unpack_promtool():
    """That of Debian's package, which is not installed: that would start a server."""
    found = os.path.join(STORE, "usr/bin/promtool")
    if os.path.exists(found):
        return found
    os.makedirs(os.path.dirname(STORE), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(STORE)) as base:
        subprocess.run(
            ["apt-get", "download", "-q", "prometheus"], cwd=base, capture_output=True, check=True
        )
        new = os.path.join(base, "promtool")
        subprocess.run(["dpkg-deb", "-x", *glob.glob(base + "/*.deb"), new], check=True)
        try:
            os.rename(new, STORE)
        except OSError:
            # Another run of these tests was faster.
            pass
    return found


def find_promtool():
    try:
        return shutil.which("promtool") or unpack_promtool()
    except (OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("SHMFS_TESTS_MUST_RUN") == "1":
            raise
        reason = "promtool is not here, nor Debian's package prometheus (%s)" % error
        print("skip: monitoring: " + reason, file=sys.__stderr__)
        raise unittest.SkipTest(reason)


def expressions_of_alerts():
    """Of each alert, what it looks at. YAML as the file has it: on one line, or folded."""
    with open(ALERTS) as file:
        text = re.sub(r"(?m)^ *#.*\n", "", file.read())
    folded = r"- alert: (\w+)\n +expr: (?:>-((?:\n {10}.*)+)|(.*))"
    return {name: several or one for name, several, one in re.findall(folded, text)}


def expressions_of_dashboard():
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    exprs = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [expr.replace("$__rate_interval", "5m") for expr in exprs], dashboard


def names_in(expr):
    """The metrics of an expression: names that are no labels, functions or words of the language."""
    expr = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|ignoring) *\([^)]*\)|\boffset +\w+", " ", expr)
    words = re.findall(r"\b[a-zA-Z_:][\w:]*\b(?! *\()", expr)
    return set(words) - {"and", "or", "unless"}


def names_of_labels(series):
    return frozenset(re.findall(r'(\w+)="', series))


class Monitoring(CtlTest):
    OPTIONS = "size=4m,user_size=1m"

    @classmethod
    def setUpClass(cls):
        cls.promtool = find_promtool()
        super().setUpClass()

    def check(self, *arguments, said=""):
        done = subprocess.run(
            [self.promtool, *arguments], input=said, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def check_file(self, content, *arguments):
        """What it says of a file; JSON is YAML."""
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump(content, file)
            file.flush()
            return self.check(*arguments, file.name)

    def known(self):
        with open("daemon/common/tables/metrics.def") as file:
            return set(re.findall(r'(?m)^METRIC\("(\w+)"', file.read()))

    def metrics_of_several(self):
        """Of two mounts with tenants and users, and two more with one mount point in other places."""
        other = Mount()
        running = [
            subprocess.Popen(
                [CTL, "run", "-s", "1m", "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE
            )
            for _ in range(2)
        ]
        try:
            for mount, names in (
                (self.mount, (b'a "b"', b"back\\slash", b"new\nline", b"bytes\xff\xfe", b"{},=#")),
                (other, ("gr\u00fc\u00dfe".encode(), b'a "b"')),
            ):
                for name in names:
                    self.ctl("-m", mount.dir, "tenant", "create", name, "--size", "1m")
                as_user(OWNER, lambda mount=mount: os.close(os.open(mount.path("o"), os.O_CREAT)))
            for process in running:
                process.stdout.readline()
            said, plain = (
                self.ctl("metrics", "--all-mounts", env=dict(os.environ, LC_ALL=locale))
                for locale in ("C.UTF-8", "C")
            )
            self.assertEqual(names_and_labels(said), names_and_labels(plain))
        finally:
            for process in running:
                process.kill()
                process.communicate()
            other.stop()
        return said

    def test_metrics_of_several_mounts_are_as_prometheus_wants_them(self):
        said = self.metrics_of_several()
        self.assertEqual(self.check("check", "metrics", said=said), "")
        series = names_and_labels(said)
        self.assertEqual(len(set(series)), len(series))
        for labels in ('{mount="%s"}' % self.mount.dir, r'tenant="new\\x0aline"', 'mount="/dev/shm"'):
            self.assertIn(labels, said)

    def test_rules_are_read(self):
        said = self.check("check", "rules", ALERTS)
        self.assertIn("%d rules found" % len(expressions_of_alerts()), said)

    def test_alerts_fire_when_they_should_and_else_not(self):
        tests = [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": all_} for name, all_ in given.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "150m",
                        "exp_samples": [
                            {"labels": '{alertname="%s"}' % name, "value": count}
                            for name, count in fires.items()
                        ],
                    }
                ],
            }
            for fires, given in CASES
        ]
        self.check_file({"rule_files": [ALERTS], "tests": tests}, "test", "rules")
        self.assertEqual({name for fires, _ in CASES for name in fires}, set(expressions_of_alerts()))

    def test_the_series_that_alerts_are_tried_with_are_those_of_a_mount(self):
        told = {}
        for series in names_and_labels(self.metrics_of_several()):
            told.setdefault(series.split("{")[0], set()).add(names_of_labels(series))
        for series in {series for _, given in CASES for series in given}:
            name = series.split("{")[0]
            if name not in FOREIGN:
                self.assertIn(names_of_labels(series), told[name], series)

    def test_alerts_and_dashboard_ask_for_metrics_that_there_are(self):
        for expr in expressions_of_alerts().values():
            self.assertTrue(names_in(expr))
            self.assertLessEqual(names_in(expr), self.known() | FOREIGN, expr)
        exprs, dashboard = expressions_of_dashboard()
        for expr in exprs:
            self.assertTrue(names_in(expr))
            self.assertLessEqual(names_in(expr), self.known(), expr)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                name = re.fullmatch(r"label_values\((\w+), mount\)", variable["query"]["query"])[1]
                self.assertIn(name, self.known())

    def test_what_the_dashboard_asks_is_understood(self):
        exprs, dashboard = expressions_of_dashboard()
        self.assertTrue(all('mount=~"$mount"' in expr for expr in exprs))
        self.assertIn("mount", [variable["name"] for variable in dashboard["templating"]["list"]])
        rules = [{"record": "r%d" % i, "expr": expr} for i, expr in enumerate(exprs)]
        self.check_file({"groups": [{"name": "dashboard", "rules": rules}]}, "check", "rules")

    def test_remedies_are_commands_that_there_are(self):
        with open(ALERTS) as file:
            text = re.sub(r"(?m)^ *#.*\n", "", file.read())
        alerts = text.split("- alert: ")[1:]
        for alert in alerts:
            alert = re.sub(r"\{\{.*?\}\}", "X", alert.replace("\n", " "))
            remedies = re.findall(r"shmfsctl (?:-m X )?(\w+)([^:.,]*)", re.sub(" +", " ", alert))
            self.assertTrue(remedies, alert)
            for verb, rest in remedies:
                known = self.ctl(verb, "--help")
                for word in re.findall(r"--[a-z-]+|(?<=--sort )[A-Z-]+|^ (?:set|ls)\b", rest):
                    self.assertRegex(known, r"(?m)(^| )%s( |$)" % word.strip())


def names_and_labels(said):
    return [line.rsplit(" ", 1)[0] for line in said.splitlines() if line[0] != "#"]
