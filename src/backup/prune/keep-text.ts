/** `full=4w,incremental=2w,wal=7d`: for how long backups are kept, as people write it. Pure. */
import { DbError } from '../../base/errors.js';
import { RETENTION_DEFAULT, type Retention } from './retention.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  d: 24 * 3_600_000,
  w: 7 * 24 * 3_600_000,
};
const FIELDS: Readonly<Record<string, keyof Retention>> = {
  full: 'fullMs',
  incremental: 'incrementalMs',
  wal: 'walMs',
};

/** What is not mentioned is as the manual has it. Throws DbError('VALIDATION'). */
export function parseKeep(text: string): Retention {
  const retention = { ...RETENTION_DEFAULT };
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const [name, age, ...more] = part.split('=').map((each) => each.trim());
    const field = FIELDS[name];
    const match = /^(\d{1,5})([hdw])$/.exec(age ?? '');
    if (field === undefined || match === null || more.length > 0 || seen.has(name)) throw invalid(part);
    seen.add(name);
    retention[field] = Number(match[1]) * UNIT_MS[match[2]];
  }
  return retention;
}

function invalid(part: string): DbError {
  return new DbError(
    'VALIDATION',
    `${JSON.stringify(part.trim())} says of nothing how long it is kept: full=4w,incremental=2w,wal=7d does, in h, d or w`,
    { field: 'keep' },
  );
}
