/** The schemas that one shard checks documents against, and the search for documents that are there already. Shard thread only. */
import { toWireError } from '../base/errors.js';
import type { CollectionWalkOptions } from '../engine/collection-walk.js';
import type { DocumentCheck } from '../engine/document-gate.js';
import { type Offender, SchemaScan } from '../engine/schema-scan.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import type { BoundSchema } from './bound-schema.js';
import { compiledSchemas } from './schemas.js';

export class ShardChecks {
  private engine: ShardEngine | undefined;

  private checks: ReadonlyMap<number, DocumentCheck> | undefined;
  /** Of the schemas that are tried alone: what is there may break the one before it. */
  private tried: ReadonlyMap<number, DocumentCheck> | undefined;

  /** The engine is there. What has been set meanwhile is newer than `schemas`. */
  start(engine: ShardEngine, schemas: readonly BoundSchema[]): void {
    this.engine = engine;
    this.checks ??= compiledSchemas(schemas);
    engine.setChecks(this.checks);
  }

  /** Between groups. */
  set(schemas: readonly BoundSchema[]): void {
    this.checks = compiledSchemas(schemas);
    this.tried = compiledSchemas(schemas.filter(({ isTried }) => isTried));
    this.engine?.setChecks(this.checks);
  }

  /** The first document that the schema which is tried does not allow. Lets a group of clients' writes through between two slices. The thread must not sleep meanwhile. */
  async findOffender(
    collection: number,
    options: CollectionWalkOptions,
  ): Promise<JobOutcome<Offender | undefined>> {
    const check = this.tried?.get(collection);
    if (check === undefined) return { result: undefined };
    const scan = new SchemaScan(options, collection, check);
    try {
      while (!scan.slice()) await new Promise((resolve) => setImmediate(resolve));
      return { result: scan.offender };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }
}
