/** Where the package lies, and the files of it that are run as processes of their own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compiled, this file is dist/perf/package-root.js. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Lua is not compiled: it stays in the source tree. */
export const LOAD_LUA = join(PACKAGE_ROOT, 'perf', 'lua', 'load.lua');
export const HISTORY_FILE = join(PACKAGE_ROOT, 'perf', 'history.ndjson');

const compiled = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const LUMADB_COMMAND = compiled('../src/cli/main.js');
export const BARE_SERVER_SCRIPT = compiled('./bare-server.js');
export const WS_LOAD_SCRIPT = compiled('./ws-load.js');
export const PACED_LOAD_SCRIPT = compiled('./paced-load.js');
