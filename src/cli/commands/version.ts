/** `lumadb version` */
import type { Command } from 'commander';
import { packageVersion } from '../../base/version.js';
import { addJsonOption } from '../connection.js';
import { EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';

export function registerVersion(program: Command, done: Done): void {
  const command = program.command('version').description('Print the version of this installation.');
  addJsonOption(command)
    .addHelpText('after', '\nExample:\n  $ lumadb version --json')
    .action((_options, self: Command) => {
      const version = packageVersion();
      if (self.optsWithGlobals<{ json?: boolean }>().json) printJson({ version, node: process.version });
      else print(`lumadb ${version} (Node ${process.version})`);
      done(EXIT_OK);
    });
}
