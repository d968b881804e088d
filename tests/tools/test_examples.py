# SPDX-License-Identifier: BSD-2-Clause
"""The examples for Prometheus and Grafana ask for what there is."""

import json
import re

import yaml

from ctl import CtlTest

RULES = "daemon/examples/shmfs.rules.yml"
DASHBOARD = "daemon/examples/shmfs.dashboard.json"


class Examples(CtlTest):
    OPTIONS = "size=1m,user_size=64k"

    def metrics(self):
        """Each metric, and the labels of its series."""
        self.mount.call("CreateTenant", path="tenant", size=4096)
        self.mount.make("a", 4096)
        said = {}
        for name, labels in re.findall(r"(?m)^(shmfs_\w+)\{(.*)\} \d+$", self.ctl("metrics")):
            said.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
        return said

    def check(self, expressions):
        said = self.metrics()
        self.assertTrue(expressions)
        for expression in expressions:
            names = re.findall(r"\bshmfs_\w+", expression)
            self.assertTrue(names, expression)
            for name in names:
                self.assertIn(name, said, expression)
            for labels in re.findall(r"by \(([^)]*)\)|\{(\w+)=", expression):
                for label in re.findall(r"\w+", labels[0] or labels[1]):
                    self.assertIn(label, said[names[0]], expression)

    def test_rules_are_about_metrics_that_there_are(self):
        with open(RULES) as file:
            groups = yaml.safe_load(file)["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        for rule in rules:
            self.assertTrue(rule["alert"] and rule["annotations"]["summary"])
        self.check([rule["expr"] for rule in rules])

    def test_panels_are_about_metrics_that_there_are(self):
        with open(DASHBOARD) as file:
            board = json.load(file)
        panels = board["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        self.check([target["expr"] for panel in panels for target in panel["targets"]])
