/** The help page of `lastcall rehearse`. */

export const HELP = `Usage: lastcall rehearse [FLAGS] [CONFIG | -- PROGRAM [ARG...]]
       lastcall rehearse [FLAGS] --image IMAGE [-- OPTIONS [-- COMMAND...]]

Starts a configuration, a program or an image many times, stops it at random
moments, and reports how long the stops took, what was late, and what was lost.
OPTIONS are those of docker run.

--runs N                 how many runs; default: 20
--within DURATION        the signal's latest time after the start; default: 3s
--stop-timeout DURATION  how long a stop may take; default: as for run
--signal SIGNAL          default: SIGTERM, or the image's STOPSIGNAL
--seed N                 repeats the moments of an earlier rehearsal
--probe URL              counts the requests that fail during each stop
--json                   prints the report as JSON
--html FILE              also writes the report as a page for a browser
-y, --yes                starts without asking

Exit code  0  every stop held the stop timeout
           1  one did not, or nothing could be stopped
           2  wrong arguments: nothing was started
`;
