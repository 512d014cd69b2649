/** PostgreSQL in the comparison: a table with a text key and a jsonb per collection, and the same indexes. */
import type pg from 'pg';
import type { ChildProcess } from '../child-process.js';
import { type ComparedRow, postgresRows } from './answers.js';
import { type Comparison, INDEXES } from './comparisons.js';
import {
  ACCOUNTS,
  accountKey,
  accountsOf,
  accountText,
  ORDERS,
  orderKey,
  orderText,
  withId,
} from './data.js';
import type { SqlPeer } from './peer.js';
import { PostgresServer } from './postgres-server.js';

/** Documents in one INSERT. */
const BATCH_DOCUMENTS = 5000;

export class PostgresPeer implements SqlPeer {
  readonly name = 'postgres';

  private constructor(
    private readonly server: PostgresServer,
    private readonly client: pg.Client,
  ) {}

  static async start(bufferMib: number): Promise<PostgresPeer> {
    const server = await PostgresServer.start(bufferMib);
    const client = await server.connect();
    return new PostgresPeer(server, client);
  }

  get port(): number {
    return this.server.port;
  }

  get process(): ChildProcess {
    return this.server.process;
  }

  async load(documents: number, onProgress: (share: number) => void): Promise<void> {
    const { client } = this;
    const insert = async (table: string, count: number, text: (index: number) => string): Promise<void> => {
      await client.query(`CREATE TABLE ${table} (id text PRIMARY KEY, doc jsonb NOT NULL)`);
      for (let start = 0; start < count; start += BATCH_DOCUMENTS) {
        const length = Math.min(BATCH_DOCUMENTS, count - start);
        const texts = Array.from({ length }, (_, i) => text(start + i));
        const rows = 'SELECT doc::jsonb AS doc FROM unnest($1::text[]) AS given(doc)';
        await client.query(`INSERT INTO ${table} SELECT doc->>'_id', doc FROM (${rows}) AS rows`, [texts]);
        onProgress((start + length) / count);
      }
    };
    await insert(ACCOUNTS, accountsOf(documents), (index) => withId(accountKey(index), accountText(index)));
    await insert(ORDERS, documents, (index) => withId(orderKey(index), orderText(index, documents)));
    for (const statement of INDEXES.postgres) await client.query(statement);
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  }

  async rows(comparison: Comparison, params: readonly (string | number)[]): Promise<readonly ComparedRow[]> {
    const query = {
      name: comparison.title,
      text: comparison.postgres,
      values: [...params],
      rowMode: 'array',
    };
    const { rows } = await this.process.during(
      this.client.query<unknown[]>(query as pg.QueryArrayConfig<unknown[]>),
    );
    return postgresRows(rows, comparison);
  }

  async stop(): Promise<void> {
    await this.client.end();
    await this.server.stop();
  }
}
