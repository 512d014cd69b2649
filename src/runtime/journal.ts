/**
 * Whether standard output is the journal of systemd, and the priority it understands before a line: `journalctl -p err` finds
 * errors only with it. See sd-daemon(3).
 */
import { fstatSync } from 'node:fs';

/** systemd says in the environment which file is the journal; a child's output may be something else. */
export function isJournal(fd: number, stream: string | undefined = process.env.JOURNAL_STREAM): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(fd);
  return stream === `${dev}:${ino}`;
}

/** `level`: pino's number. */
export function journalPriority(level: number): string {
  if (level >= 60) return '<2>';
  if (level >= 50) return '<3>';
  if (level >= 40) return '<4>';
  return level >= 30 ? '<6>' : '<7>';
}
