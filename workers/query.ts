/** Entry point of query threads, which piscina starts; see src/runtime/query/query-thread.ts. */
export { runQueryTask } from '../src/runtime/query/query-thread.js';
