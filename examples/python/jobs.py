"""Two threads in an endless loop. Their shutdown flag is lastcall's: memory that both processes map."""

import logging
import mmap
import os
import select
import threading

# The words of the memory: docs/flag.md.
MAGIC, VERSION, FLAG, MAPPED = 0, 1, 2, 4


class Flag:
    """lastcall's flag, with those methods of threading.Event that a job needs."""

    def __init__(self):
        # Taken out of the environment: in a program that is started from here, these numbers are other files.
        memory = int(os.environ.pop("LASTCALL_FLAG_FD"))
        self._wake = int(os.environ.pop("LASTCALL_WAKE_FD"))
        self._words = memoryview(mmap.mmap(memory, 64)).cast("i")
        if (self._words[MAGIC], self._words[VERSION]) != (0x6C617374, 1):
            raise RuntimeError("found memory of another kind")
        self._words[MAPPED] = 1  # From here on no stop signal comes.

    def is_set(self):
        return self._words[FLAG] != 0

    def wait(self, timeout=None):
        if not self.is_set():
            # Readable when the flag is raised. Nobody reads the byte, so it wakes all threads.
            select.select([self._wake], [], [], timeout)
        return self.is_set()


class Job(threading.Thread):
    def __init__(self, name, shutdown_flag):
        super().__init__(name=name)
        self.shutdown_flag = shutdown_flag

    def run(self):
        logging.info(f"Thread {self.name} started")
        while not self.shutdown_flag.is_set():
            # ... the job's work ...
            self.shutdown_flag.wait(0.5)
        # ... clean shutdown code ...
        logging.info(f"Thread {self.name} stopped")


# Whole lines, whichever thread writes them.
logging.basicConfig(format="%(message)s", level=logging.INFO)
shutdown_flag = Flag()
jobs = [Job("resize", shutdown_flag), Job("mail", shutdown_flag)]
for job in jobs:
    job.start()
for job in jobs:
    job.join()
    logging.info(f"Joined {job.name}")
logging.info("Exiting main program")
