# SPDX-License-Identifier: BSD-2-Clause
"""Running shmfsctl on a live mount."""

import json
import os
import subprocess

from mount import CTL, MountTest


def as_uid(uid):
    def work():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)

    return work if uid else None


class CtlTest(MountTest):
    def ctl(self, *arguments, uid=0, status=0, text=True, **more):
        """What it said on standard output, where it ended with this status."""
        done = subprocess.run(
            [CTL, "-m", self.mount.dir, *arguments],
            capture_output=True,
            preexec_fn=as_uid(uid),
            timeout=30,
            **more,
        )
        self.stderr = done.stderr.decode()
        self.assertEqual(done.returncode, status, self.stderr)
        return done.stdout.decode() if text else done.stdout

    def json(self, *arguments, **more):
        return json.loads(self.ctl(*arguments, **more))
