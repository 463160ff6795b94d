"""The pattern that lastcall comes from: pattern.py THREADS poll|wait.

Signal handlers in the main thread only, a shutdown flag for each job, ServiceExit, and a join for all.
"""

import os
import signal
import sys
import threading
import time


class ServiceExit(Exception):
    """Raised by the signal handlers, in the main thread."""


class Job(threading.Thread):
    def __init__(self, polls):
        super().__init__()
        self.shutdown_flag = threading.Event()
        self.polls = polls

    def run(self):
        stamp()
        while not self.shutdown_flag.is_set():
            if self.polls:
                time.sleep(0.5)
            else:
                self.shutdown_flag.wait(0.5)


def stamp():
    # A single write(2): two threads must not share a line.
    fd = os.open(os.environ["STAMP"], os.O_WRONLY)
    os.write(fd, b"%d\n" % time.monotonic_ns())
    os.close(fd)


def service_shutdown(number, frame):
    raise ServiceExit


def main():
    signal.signal(signal.SIGTERM, service_shutdown)
    signal.signal(signal.SIGINT, service_shutdown)
    jobs = []
    try:
        for _ in range(int(sys.argv[1])):
            job = Job(sys.argv[2] == "poll")
            job.start()
            jobs.append(job)
        while True:
            time.sleep(0.5)
    except ServiceExit:
        for job in jobs:
            job.shutdown_flag.set()
        for job in jobs:
            job.join()
    print("Exiting main program")


main()
