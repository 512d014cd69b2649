/** Writes the generated documents: `node dist/src/config/write-reference.js [ROOT]`; ROOT is the current directory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationReference, defaultToml } from './reference.js';

const root = process.argv[2] ?? process.cwd();
mkdirSync(join(root, 'docs'), { recursive: true });
writeFileSync(join(root, 'docs', 'configuration.md'), configurationReference());
writeFileSync(join(root, 'config.toml'), defaultToml());
process.stdout.write(`wrote config.toml and docs/configuration.md in ${root}\n`);
