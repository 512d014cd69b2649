#!/usr/bin/env node
/** The `lumadb` command. */
import { run } from './program.js';

// A reader that went away (`lumadb status | head -1`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exit(await run(process.argv.slice(2)));
