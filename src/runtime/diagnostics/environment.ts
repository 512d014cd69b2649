/** Which variables of the environment concern the server: its own, and those that change what Node.js and the C library do. Pure. */

const CONCERNS_US =
  /^(LUMADB_|NODE_|UV_|UWS_|MALLOC_|GLIBC_|LD_|LC_|LANG$|TZ$|JOURNAL_STREAM$|INVOCATION_ID$)/;

/** Still with their values: those that sound like secrets are for the caller to hide. */
export function shownEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env)
      .filter((entry): entry is [string, string] => entry[1] !== undefined && CONCERNS_US.test(entry[0]))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
