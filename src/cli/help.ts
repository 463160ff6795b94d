export const HELP = `Usage: lastcall run [CONFIG] [--stop-timeout DURATION]
       lastcall check [CONFIG] [--stop-timeout DURATION]
       lastcall status [--json] [--watch] [--socket PATH]
       lastcall stop|restart JOB [--socket PATH]
       lastcall signal JOB SIGNAL [--socket PATH]
       lastcall [FLAGS] [--] PROGRAM [ARG...]
       lastcall --help | --version

run      runs the jobs of a configuration as the init of a container, and turns
         the stop signal into: ask each job to stop, join each job, report, exit
check    says whether a configuration is right, and what run would do with it
status   says what the init of this container does; 0 if it is ready, else 1
stop, restart, signal
         asks the init of this container to do that to one job
PROGRAM  is run in the foreground, as by tini: lastcall-init -h lists the flags

CONFIG                    lastcall.config.ts, .mts, .js, .mjs, .json, .yaml or
                          .yml in the working directory, unless named
--stop-timeout DURATION   time between the platform's stop signal and its
                          SIGKILL, such as 10s; goes before the configuration
--socket PATH             socket of the init, unless it is where it is expected

Environment
LASTCALL_STOP_TIMEOUT         as --stop-timeout; goes before the configuration
LASTCALL_SOCKET               as --socket, and for run where to make it
LASTCALL_TERMINATION_MESSAGE  file for the summary of a failed run
LASTCALL_LOG_LEVEL            trace, debug, info, warn, error, fatal, silent
LASTCALL_LOG_FORMAT           json or pretty

Signals
SIGTERM, SIGINT           stop; a second SIGINT: the deadline is now
SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGALRM
                          passed on to every job that is a process

Exit codes of run
0    every job joined after a requested stop
1    a job failed
2    wrong configuration or arguments: nothing was started
124  something had to be killed at the deadline
n    an essential job ended with this code; 128 + n: by signal n
`;
