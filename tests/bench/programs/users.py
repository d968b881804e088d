# SPDX-License-Identifier: BSD-2-Clause
"""The programs that tests/bench/programs/run measures, with /dev/shm as it is mounted then.

Each is made once with a folder of its own. Its measure() takes one of its rows and returns the
milliseconds; None says that it is not installed.
"""

import glob
import os
import re
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = os.path.join(HERE, "..", "..", "programs", "parts")


def run(*command, **more):
    more.setdefault("check", True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=600, **more)
    return done.stdout


def timed(*command, **more):
    start = time.monotonic()
    run(*command, **more)
    return (time.monotonic() - start) * 1e3


class Pipeline:
    """Python's multiprocessing.shared_memory with numpy."""

    SIZES = {"numpy, batches of 0.5 MiB": "0.5", "numpy, batches of 8 MiB": "8",
             "numpy, batches of 64 MiB": "64", "numpy, batches of 256 MiB": "256",
             "numpy, batches of 1 GiB": "1024"}
    rows = list(SIZES)

    def __init__(self, work):
        run("/usr/bin/python3", "-c", "import numpy")

    def measure(self, row):
        return float(run("/usr/bin/python3", os.path.join(HERE, "pipeline.py"), self.SIZES[row]))


class Ranks:
    """Open MPI, without single copies from process to process."""

    rows = ["Open MPI, messages of 4 MiB"]

    def __init__(self, work):
        self.program = os.path.join(work, "mpi_messages")
        self.environment = dict(os.environ, HOME=work, TMPDIR=work)
        run("mpicc", "-O2", "-o", self.program, os.path.join(HERE, "mpi_messages.c"))

    def measure(self, row):
        return float(run("mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2",
                         "--mca", "pml", "ob1", "--mca", "btl", "self,vader",
                         "--mca", "btl_vader_single_copy_mechanism", "none", self.program,
                         env=self.environment))


class Database:
    """PostgreSQL: a join through a hash table that its workers share."""

    rows = ["PostgreSQL, parallel hash join"]
    SETTINGS = """
        SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0;
        SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
        SET enable_mergejoin = off; SET enable_nestloop = off; SET work_mem = '128MB';"""
    JOIN = """EXPLAIN (ANALYZE, TIMING off)
        SELECT count(*), sum(length(a.t || b.t)) FROM big a JOIN big b USING (id);"""

    def __init__(self, work):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.work, self.data = work, os.path.join(work, "data")
        shutil.chown(work, "postgres")
        self.as_postgres("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as file:
            file.write(f"""
                listen_addresses = ''
                unix_socket_directories = '{work}'
                dynamic_shared_memory_type = posix
                min_dynamic_shared_memory = 0
                shared_buffers = 128MB
                fsync = off\n""")
        self.serve("start")
        self.ask("CREATE TABLE big AS SELECT id, repeat(md5(id::text), 2) AS t "
                 "FROM generate_series(1, 300000) id; ANALYZE big;")
        self.serve("stop")

    def as_postgres(self, program, *arguments):
        return run("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--",
                   os.path.join(self.bin, program), *arguments, cwd=self.work)

    def serve(self, what):
        self.as_postgres("pg_ctl", "-s", "-w", "-D", self.data,
                         "-l", os.path.join(self.work, "log"), what)

    def ask(self, text):
        return run(os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-h", self.work,
                   "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text, "postgres")

    def measure(self, row):
        self.serve("start")
        try:
            plan = self.ask(self.SETTINGS + self.JOIN * 3)
        finally:
            self.serve("stop")
        if "Parallel Hash Join" not in plan:
            raise RuntimeError(plan)
        return min(float(ms) for ms in re.findall(r"Execution Time: ([0-9.]+) ms", plan))


class Browser:
    """Chromium, whose processes share memory there where there are no memfds."""

    rows = ["Chromium, a page"]

    def __init__(self, work):
        self.program = os.path.join(work, "without_memfd")
        shutil.which("chromium") or run("chromium", "--version")
        run("cc", "-D_GNU_SOURCE", "-o", self.program, os.path.join(PARTS, "without_memfd.c"))
        shutil.copy(os.path.join(PARTS, "chromium_page.html"), os.path.join(work, "page.html"))
        run("/usr/bin/python3", os.path.join(PARTS, "png.py"), "make",
            os.path.join(work, "picture.png"), "120", "80", "0000ff")
        self.home = os.path.join(work, "home")
        self.page = "file://" + os.path.join(work, "page.html")

    def measure(self, row):
        try:
            return timed("unshare", "--net", "--", self.program, "chromium", "--headless",
                         "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                         "--disable-background-networking", "--disable-component-update",
                         "--disable-sync", "--window-size=800,600", "--dump-dom", self.page,
                         env=dict(os.environ, HOME=self.home))
        finally:
            shutil.rmtree(self.home, ignore_errors=True)


class Guest:
    """QEMU: a guest of 512 MiB, which fills half of it, without KVM."""

    rows = ["QEMU, a guest fills 256 MiB"]

    def __init__(self, work):
        self.disk = os.path.join(work, "guest.img")
        built = os.path.join(work, "guest.o")
        run("cc", "-m32", "-c", "-o", built, os.path.join(HERE, "guest.S"))
        run("ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", self.disk,
            built)
        run("qemu-system-x86_64", "--version")

    def measure(self, row):
        return timed("qemu-system-x86_64", "-machine", "pc,accel=tcg,memory-backend=ram",
                     "-object", "memory-backend-file,id=ram,size=512M,share=on,mem-path=/dev/shm",
                     "-drive", f"file={self.disk},format=raw", "-display", "none", "-nodefaults",
                     "-device", "isa-debug-exit,iobase=0xf4", check=False)


PROGRAMS = {"database": Database, "pipeline": Pipeline, "ranks": Ranks, "browser": Browser,
            "guest": Guest}
