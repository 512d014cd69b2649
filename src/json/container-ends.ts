/**
 * Remembers where the large containers of one text end. A merge that descends level by level would otherwise pass
 * over the innermost levels once for each level around them: 200 passes over 16 MiB take seconds. Made for one text,
 * used by one merge, thrown away.
 */
import { assert } from '../base/assert.js';
import { JSON_DEPTH_MAX } from '../base/limits.js';
import { skipString, skipToStructure, skipValue } from './members.js';

/** Smaller containers are passed over again: that costs less than remembering them. */
const REMEMBERED_BYTES_MIN = 1024;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const QUOTE = 0x22;

/** Indexes of the containers that are open during skipAndRemember. Per thread. */
const openAt = new Int32Array(JSON_DEPTH_MAX + 1);

export class ContainerEnds {
  private readonly endByStart = new Map<number, number>();

  /** Like skipValue in members.ts, for the text this was made for. */
  skipValue(bytes: Uint8Array, start: number): number {
    const first = bytes[start];
    if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return skipValue(bytes, start);
    return this.endByStart.get(start) ?? this.skipAndRemember(bytes, start);
  }

  private skipAndRemember(bytes: Uint8Array, start: number): number {
    let at = start;
    let depth = 0;
    do {
      at = skipToStructure(bytes, at);
      const byte = bytes[at];
      if (byte === QUOTE) {
        at = skipString(bytes, at);
        continue;
      }
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        assert(depth <= JSON_DEPTH_MAX, 'text that was never scanned nests too deep');
        openAt[depth++] = at++;
        continue;
      }
      at++;
      const opened = openAt[--depth];
      if (at - opened >= REMEMBERED_BYTES_MIN) this.endByStart.set(opened, at);
    } while (depth > 0);
    return at;
  }
}
