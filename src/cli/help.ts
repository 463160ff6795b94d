export const HELP = `Usage: lastcall run [CONFIG] [--stop-timeout DURATION]
       lastcall --help | --version

Runs the jobs of a configuration as the init of a container, and turns the stop
signal into: raise each job's flag, join each job, report, exit.

CONFIG                    lastcall.config.ts, .mts, .js, .mjs or .json in the
                          working directory, unless named
--stop-timeout DURATION   time between the platform's stop signal and its
                          SIGKILL, such as 10s; goes before the configuration

Environment
LASTCALL_STOP_TIMEOUT     as --stop-timeout; goes before the configuration
LASTCALL_LOG_LEVEL        trace, debug, info, warn, error, fatal, silent
LASTCALL_LOG_FORMAT       json or pretty

Signals
SIGTERM, SIGINT           stop; a second SIGINT: the deadline is now

Exit codes
0    every job joined after a requested stop
1    a job failed
2    wrong configuration or arguments: nothing was started
124  something had to be killed at the deadline
n    an essential job called process.exit(n)
`;
