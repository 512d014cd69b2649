/**
 * Plays many edits through to the version they lead to, at the cost of one. For reading a manifest: thousands of edits,
 * and nobody asks for the versions in between. Whether tables of a run overlap is checked for the last version only.
 */
import { assert } from '../base/assert.js';
import type { TableInfo } from './table-info.js';
import { type TableChanges, Version } from './version.js';

export class VersionBuilder {
  private readonly tables = new Map<number, TableInfo>();

  /** An AssertionError if the change removes a table that is not there, or adds one that is. */
  add({ addedTables, removedTables }: TableChanges): void {
    for (const fileNumber of removedTables) {
      const wasThere = this.tables.delete(fileNumber);
      assert(wasThere, () => `a version edit removes table ${fileNumber}, which is not there`);
    }
    for (const table of addedTables) {
      const { fileNumber } = table;
      assert(
        !this.tables.has(fileNumber),
        () => `a version edit adds table ${fileNumber}, which is there already`,
      );
      this.tables.set(fileNumber, table);
    }
  }

  /** An AssertionError if the tables make no version: see Version.apply. */
  build(): Version {
    return Version.empty().apply({ addedTables: [...this.tables.values()], removedTables: [] });
  }
}
