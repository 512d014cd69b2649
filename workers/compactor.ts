/** Thread entry point; see src/runtime/compactor-thread.ts. */
import { workerData } from 'node:worker_threads';
import { runCompactorThread } from '../src/runtime/compactor-thread.js';

runCompactorThread(workerData);
