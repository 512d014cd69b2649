/** Thread entry point; see src/runtime/wal-stream/thread.ts. */
import { workerData } from 'node:worker_threads';
import { runWalStreamThread } from '../src/runtime/wal-stream/thread.js';

runWalStreamThread(workerData);
