/** `npm run generate:deploy`: writes the generated files of deploy/, in the root of the repository. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { deployFiles } from './files.js';

for (const [path, text] of Object.entries(deployFiles())) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote ${path}`);
}
