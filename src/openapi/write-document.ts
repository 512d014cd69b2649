/** Writes the generated document: `npm run generate:openapi`, or `node dist/src/openapi/write-document.js [ROOT]`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiText } from './document.js';

const file = join(process.argv[2] ?? process.cwd(), 'docs', 'openapi.json');
writeFileSync(file, openApiText());
process.stdout.write(`wrote ${file}\n`);
