/** Variables by which lastcall and Node.js behave in another way, on the machine of whoever runs the tests. Tests set what they need. */
const VARIABLES = [
	// The platforms that lastcall knows.
	"KUBERNETES_SERVICE_HOST",
	"ECS_CONTAINER_METADATA_URI_V4",
	"K_SERVICE",
	"FLY_APP_NAME",
	"DYNO",
	"NOMAD_ALLOC_ID",
	// Settings of lastcall, tini and dumb-init.
	"LASTCALL_KILL_PROCESS_GROUP",
	"LASTCALL_LOG_FORMAT",
	"LASTCALL_LOG_LEVEL",
	"LASTCALL_SOCKET",
	"LASTCALL_STOP_TIMEOUT",
	"LASTCALL_SUBREAPER",
	"LASTCALL_TERMINATION_MESSAGE",
	"LASTCALL_VERBOSITY",
	"TINI_KILL_PROCESS_GROUP",
	"TINI_SUBREAPER",
	"TINI_VERBOSITY",
	"DUMB_INIT_DEBUG",
	"DUMB_INIT_SETSID",
	"NOTIFY_SOCKET",
	"LISTEN_FDS",
	// How programs print.
	"FORCE_COLOR",
	"NO_COLOR",
	"NODE_DISABLE_COLORS",
	"NODE_OPTIONS",
	"LANGUAGE",
] as const;

/** Unsets them in a child process, and speaks English. */
export const NOTHING_OF_THE_MACHINE: NodeJS.ProcessEnv = {
	...Object.fromEntries(VARIABLES.map((name) => [name, undefined])),
	LC_ALL: "C.UTF-8",
};
