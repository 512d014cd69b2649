/** Thread entry point; see src/runtime/shard-thread.ts. */
import { workerData } from 'node:worker_threads';
import { runShardThread } from '../src/runtime/shard-thread.js';

runShardThread(workerData);
