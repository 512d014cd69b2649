// ava runs the compiled output: tsx does not work inside worker threads on Node 20.
export default {
  files: ['dist/test/**/*.test.js'],
  timeout: '120s',
  concurrency: 2,
  workerThreads: false,
};
