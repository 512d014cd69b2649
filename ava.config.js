// ava runs the compiled output: tsx does not work inside worker threads on Node 20.
export default {
  files: ['dist/test/**/*.test.js'],
  // Without any test that ends: longer than a test waits for anything on a busy machine.
  timeout: '5m',
  concurrency: 2,
  workerThreads: false,
};
