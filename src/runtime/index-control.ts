/**
 * Creates, builds, rebuilds, drops and lists secondary indexes (ADR 0016). Main thread only. The order of every change:
 *
 *   create    catalog: building → shards maintain it → fronts know it → every shard builds → catalog: valid → shards, fronts
 *   drop      catalog → fronts plan nothing with it → shards maintain it no more → once no reader is left, compactions drop it
 *
 * A build that fails or is cancelled leaves nothing, or an invalid index if it was CONCURRENTLY; so does one that a restart
 * finds (endBuilds). Methods throw the DbError that is the answer.
 */
import type { Logger } from 'pino';
import { DbError, fromWireError, toWireError } from '../base/errors.js';
import { INDEX_NAME_LENGTH_MAX } from '../base/limits.js';
import type { Catalog } from '../catalog/catalog.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import type { IndexDefinition, NewIndex } from '../indexes/definition.js';
import { columnText, definitionText } from '../indexes/definition-text.js';
import type { ExtractorFactory } from '../indexes/extractor.js';
import { INDEX_COLUMNS_MAX } from '../indexes/key-format.js';
import type { IndexUsage } from '../shm/index-usage.js';
import { collectionInfo } from './collection-control.js';
import type { DroppedIds } from './dropped-ids.js';
import type { ReadOnlyState } from './read-only-state.js';
import { shardFigures } from './shard-figures.js';
import type { BuiltIndex } from './shard-index-builder.js';
import type { ShardSlot } from './shard-slot.js';
import { storageState } from './storage-tasks.js';
import type { Supervisor } from './supervisor.js';
import type { Task, TaskBook, TaskReport } from './tasks.js';

export interface IndexControlOptions {
  readonly catalog: Catalog;
  readonly supervisor: Pick<Supervisor, 'shards' | 'putCollection' | 'setDefinitions'>;
  readonly readOnly: Pick<ReadOnlyState, 'requireCatalogChange'>;
  readonly book: TaskBook;
  readonly usage: IndexUsage;
  readonly dropped: Pick<DroppedIds, 'leave' | 'left'>;
  /** Whether a definition can be maintained: throws the DbError that says why not. */
  readonly extractorOf: ExtractorFactory;
  /** Throws the DbError for which nothing can be started now. */
  readonly requireServing: () => void;
  readonly logger: Logger;
}

/** A row of system.indexes. */
export interface IndexReport {
  readonly index_name: string;
  readonly table_name: string;
  readonly index_type: 'btree';
  readonly columns: string;
  readonly entries: number;
  /** Keys and values; as stored they are compressed. */
  readonly size_bytes: number;
  readonly usage_count: number;
  readonly last_used: string | null;
  readonly created_at: string;
  readonly state: IndexDefinition['state'];
  readonly definition: string;
}

export interface IndexBuilding {
  readonly index: IndexDefinition;
  readonly task: TaskReport;
  /** The valid index. Rejects with the DbError for which the build failed. */
  readonly built: Promise<IndexDefinition>;
}

export class IndexControl {
  /** Builds under way, by the number of their index. */
  private readonly building = new Map<number, Task>();

  constructor(private readonly options: IndexControlOptions) {}

  /** At start, before any shard is: builds of the last run are over, and what cannot be maintained is not used. */
  endBuilds(): void {
    const { catalog, extractorOf, logger } = this.options;
    for (const { name, id } of catalog.endBuilds()) {
      const index = catalog.indexById(id);
      const fate = index === undefined ? 'it was dropped' : 'it is invalid: drop or rebuild it';
      logger.warn({ index: name }, `the build of an index was cut short by the end of the server: ${fate}`);
    }
    for (const index of catalog.indexes()) {
      if (index.state === 'invalid') continue;
      try {
        extractorOf(index);
      } catch (error) {
        catalog.invalidateIndex(index.id);
        logger.error({ index: index.name }, `an index cannot be maintained: ${toWireError(error).message}`);
      }
    }
  }

  /**
   * Resolves when every shard maintains the index and its build is under way. Throws DbError: NOT_FOUND (the collection),
   * CONFLICT (the name is taken), VALIDATION, READ_ONLY, SHARD_UNAVAILABLE, OVERLOADED (too many tasks).
   */
  async create(index: NewIndex): Promise<IndexBuilding> {
    const { catalog, readOnly, requireServing } = this.options;
    requireServing();
    readOnly.requireCatalogChange('create');
    this.requireSound(index);
    this.requireAllShards();
    return this.begin(catalog.createIndex(index));
  }

  /** Resolves when no new query uses the index and no shard maintains it. */
  async drop(name: string): Promise<IndexDefinition> {
    const { catalog, readOnly, logger } = this.options;
    readOnly.requireCatalogChange('drop');
    const index = catalog.existingIndex(name);
    const replacement = catalog.indexes().find(({ replaces }) => replaces === index.id);
    catalog.dropIndex(name);
    await this.afterDrop([index, ...(replacement === undefined ? [] : [replacement])]);
    logger.info({ index: name, id: index.id }, 'index dropped');
    return index;
  }

  /**
   * Builds an index, or all indexes of a collection or of everything ('all'), anew, one after the other as one task. A valid
   * one stays in use until its successor is complete.
   */
  rebuild(what: { readonly index: string } | { readonly collection: string }): TaskReport {
    const { book, catalog, requireServing, readOnly, supervisor } = this.options;
    requireServing();
    readOnly.requireCatalogChange('create');
    const indexes = this.indexesNamed(what);
    this.requireAllShards();
    let current: IndexDefinition | undefined;
    const task = book.start({
      kind: 'index-rebuild',
      request: what,
      shards: supervisor.shards.length,
      run: async (running) => {
        const rebuilt: Record<string, unknown>[] = [];
        for (const { id } of indexes) {
          // Dropped meanwhile.
          const index = catalog.indexById(id);
          if (index === undefined) continue;
          current = await this.announce(catalog.createReplacement(index));
          const { documents } = await this.run(running, current);
          rebuilt.push({ index: index.name, documents });
        }
        return { indexes: rebuilt };
      },
      refresh: (running) => this.showProgress(running, current),
      cancel: async (running) => this.cancelOnShards(running),
    });
    return task.report();
  }

  async list(): Promise<readonly IndexReport[]> {
    const { catalog, usage } = this.options;
    const figures = await this.figures();
    return catalog.indexes().map((index) => {
      const { count, lastUsedMs } = usage.of(index.id);
      const { entries = 0, bytes = 0 } = figures.get(index.id) ?? {};
      return {
        index_name: index.name,
        table_name: index.collection,
        index_type: 'btree',
        columns: index.columns.map(columnText).join(', '),
        entries,
        size_bytes: bytes,
        usage_count: count,
        last_used: lastUsedMs === undefined ? null : new Date(lastUsedMs).toISOString(),
        created_at: index.createdAt,
        state: index.state,
        definition: definitionText(index),
      };
    });
  }

  /** Entries and bytes by number, of shards that are up. */
  async figures(): Promise<ReadonlyMap<number, { readonly entries: number; readonly bytes: number }>> {
    const sums = new Map<number, { entries: number; bytes: number }>();
    for (const { collection, documents, bytes } of await shardFigures(this.options.supervisor.shards)) {
      const sum = sums.get(collection) ?? { entries: 0, bytes: 0 };
      sums.set(collection, { entries: sum.entries + documents, bytes: sum.bytes + bytes });
    }
    return sums;
  }

  /** For whoever has dropped or truncated their collection: no query reads these any more once those of now have ended. */
  async afterDrop(indexes: readonly IndexDefinition[]): Promise<void> {
    if (indexes.length === 0) return;
    const { dropped, supervisor } = this.options;
    const ids = indexes.map(({ id }): number => id);
    dropped.leave(ids);
    for (const id of ids) {
      const task = this.building.get(id);
      if (task !== undefined) this.cancelOnShards(task);
    }
    for (const collection of new Set(indexes.map((index) => index.collection)))
      await this.tellFronts(collection);
    // A shard that ends meanwhile is told when it starts again.
    await supervisor.setDefinitions().catch(() => {});
    dropped.left(ids);
  }

  private async begin(made: IndexDefinition): Promise<IndexBuilding> {
    const { book, supervisor, logger } = this.options;
    const index = await this.announce(made);
    let settle: (outcome: { valid?: IndexDefinition; error?: unknown }) => void = () => {};
    const outcome = new Promise<{ valid?: IndexDefinition; error?: unknown }>((resolve) => {
      settle = resolve;
    });
    const start = {
      kind: 'index-build',
      request: { index: index.name, definition: definitionText(index) },
      shards: supervisor.shards.length,
      run: async (task: Task) => {
        try {
          const { documents, valid } = await this.run(task, index);
          settle({ valid });
          return { index: index.name, documents };
        } catch (error) {
          settle({ error });
          throw error;
        }
      },
      refresh: (task: Task) => this.showProgress(task, index),
      cancel: async (task: Task) => this.cancelOnShards(task),
    };
    try {
      const task = book.start(start, ({ state, error }) =>
        logger[state === 'failed' ? 'error' : 'info']({ index: index.name, error }, `index build ${state}`),
      );
      const built = outcome.then(({ valid, error }) => {
        if (valid === undefined) throw error;
        return valid;
      });
      // Who does not wait for it learns of a failure from the task.
      built.catch(() => {});
      return { index, task: task.report(), built };
    } catch (error) {
      await this.giveUp(index);
      throw error;
    }
  }

  /** From now on all shards maintain it. */
  private async announce(index: IndexDefinition): Promise<IndexDefinition> {
    try {
      await this.options.supervisor.setDefinitions();
      await this.tellFronts(index.collection);
      return index;
    } catch (error) {
      await this.giveUp(index);
      throw error;
    }
  }

  /** Builds on every shard and makes the index valid. */
  private async run(
    task: Task,
    index: IndexDefinition,
  ): Promise<{ readonly documents: number; readonly valid: IndexDefinition }> {
    const { catalog, supervisor } = this.options;
    this.building.set(index.id, task);
    try {
      const built = await Promise.all(supervisor.shards.map((slot) => this.buildOn(slot, task, index)));
      const replaced = index.replaces === undefined ? undefined : catalog.indexById(index.replaces);
      // Before the catalog forgets its number: fronts still plan with it.
      if (replaced !== undefined) this.options.dropped.leave([replaced.id]);
      const valid = catalog.completeIndex(index.id);
      if (valid === undefined)
        throw new DbError('NOT_FOUND', `index ${JSON.stringify(index.name)} was dropped while it was built`);
      // A shard that is told later only looks for more entries than it has to.
      await supervisor.setDefinitions().catch(() => {});
      if (replaced === undefined) await this.tellFronts(index.collection);
      else await this.afterDrop([replaced]);
      return { documents: built.reduce((sum, { documents }) => sum + documents, 0), valid };
    } catch (error) {
      await this.giveUp(index);
      throw error;
    } finally {
      this.building.delete(index.id);
    }
  }

  private async buildOn(slot: ShardSlot, task: Task, index: IndexDefinition): Promise<BuiltIndex> {
    const { shard } = slot;
    task.setShard({ shard, state: 'running' });
    try {
      const { incarnation, state } = slot;
      if (incarnation === undefined || state !== 'ready')
        throw new DbError('SHARD_UNAVAILABLE', `shard ${shard} is not serving`);
      const { thread } = incarnation;
      const { id, collectionId } = index;
      const request = { task: task.id, id, collectionId };
      const { result, error } = await thread.call<JobOutcome<BuiltIndex>>(
        thread.control.storage.buildIndex(request),
      );
      if (error !== undefined) throw fromWireError(error);
      task.setShard({ shard, state: 'done', documents: result.documents });
      return result;
    } catch (error) {
      const { message } = toWireError(error);
      task.setShard({ shard, state: 'failed', error: message });
      // The others need not go on. Their answers are not waited for.
      this.cancelOnShards(task);
      throw error instanceof DbError ? error : new DbError('SHARD_UNAVAILABLE', `shard ${shard}: ${message}`);
    }
  }

  private cancelOnShards(task: Task): void {
    for (const { incarnation, state } of this.options.supervisor.shards) {
      if (incarnation === undefined || state !== 'ready') continue;
      const { thread } = incarnation;
      thread.call(thread.control.storage.cancelIndexBuild(task.id)).catch(() => {});
    }
  }

  /** A build that came to nothing. */
  private async giveUp({ id, name, replaces, concurrently, collection }: IndexDefinition): Promise<void> {
    const { catalog, logger } = this.options;
    const index = catalog.indexById(id);
    // Dropped, truncated or completed meanwhile.
    if (index === undefined || index.state !== 'building') return;
    try {
      if (concurrently === true && replaces === undefined) {
        catalog.invalidateIndex(id);
        await this.options.supervisor.setDefinitions().catch(() => {});
        await this.tellFronts(collection);
      } else {
        catalog.dropIndexById(id);
        await this.afterDrop([index]);
      }
    } catch (error) {
      logger.error({ index: name }, `an index stays under construction: ${toWireError(error).message}`);
    }
  }

  private async tellFronts(collection: string): Promise<void> {
    const { catalog, supervisor } = this.options;
    const known = catalog.find(collection);
    if (known !== undefined) await supervisor.putCollection(collectionInfo(known, catalog));
  }

  private async showProgress(task: Task, index: IndexDefinition | undefined): Promise<void> {
    if (index === undefined) return;
    const total = (await this.figures()).get(index.collectionId)?.entries ?? 0;
    let done = 0;
    for (const slot of this.options.supervisor.shards) {
      const entry = task.shards[slot.shard];
      const state = entry.state === 'running' ? await storageState(slot) : undefined;
      const build = state?.indexBuilds.find((each) => each.task === task.id);
      if (build !== undefined && task.shards[slot.shard] === entry)
        task.setShard({ shard: slot.shard, state: 'running', documents: build.documents });
      const { documents = 0 } = task.shards[slot.shard] as { readonly documents?: number };
      done += documents;
    }
    if (task.isRunning) task.progress = { done, total: Math.max(done, total), unit: 'documents' };
  }

  private indexesNamed(
    what: { readonly index: string } | { readonly collection: string },
  ): IndexDefinition[] {
    const { catalog } = this.options;
    if ('index' in what) return [catalog.existingIndex(what.index)];
    if (what.collection !== 'all') catalog.existing(what.collection);
    return catalog
      .indexes()
      .filter(({ collection }) => what.collection === 'all' || collection === what.collection)
      .filter(({ state }) => state !== 'building');
  }

  private requireAllShards(): void {
    for (const { shard, state, cause } of this.options.supervisor.shards) {
      if (state === 'ready') continue;
      throw new DbError('SHARD_UNAVAILABLE', cause?.message ?? `shard ${shard} is ${state}`, { shard });
    }
  }

  private requireSound(index: NewIndex): void {
    const { name, columns, include, unique } = index;
    const invalid = (message: string): DbError => new DbError('VALIDATION', message, { field: 'index' });
    if (name === '' || name.length > INDEX_NAME_LENGTH_MAX)
      throw invalid(`an index name has 1 to ${INDEX_NAME_LENGTH_MAX} characters`);
    if (columns.length === 0 || columns.length > INDEX_COLUMNS_MAX || include.length > INDEX_COLUMNS_MAX)
      throw invalid(`an index has 1 to ${INDEX_COLUMNS_MAX} columns, and includes as many at most`);
    const isOfId = columns.length === 1 && columns[0].path.length === 1 && columns[0].path[0] === '_id';
    if (unique && !(isOfId && columns[0].expression === undefined && index.where === undefined)) {
      throw new DbError(
        'VALIDATION',
        'UNIQUE is not supported: values would have to be compared across shards. Only _id is unique, and always is',
        { feature: 'unique_index' },
      );
    }
    this.options.extractorOf({ ...index, id: 0, collectionId: 0, state: 'building', createdAt: '' });
  }
}
