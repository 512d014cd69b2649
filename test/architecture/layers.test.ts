import test from 'ava';
import { importsOf, readSources, type SourceFile } from '../support/source-tree.js';

/**
 * What each folder of src may import besides itself. Data flows one way: the service column (front, router, ipc) and
 * the storage column (engine, memtable, wal) meet in runtime only.
 */
const BOTTOM = ['base', 'generated'];
const SHARED = [...BOTTOM, 'json', 'batch', 'shm'];
const STORAGE = [
  'vfs',
  'memtable',
  'wal',
  'engine',
  'sst',
  'manifest',
  'cache',
  'iter',
  'compaction',
  'backup',
  'tools',
];
const SERVICE = ['ipc', 'router', 'catalog', 'auth', 'sql', 'admin', 'front'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  generated: [],
  json: BOTTOM,
  batch: BOTTOM,
  shm: BOTTOM,
  indexes: [...BOTTOM, 'json'],
  sql: [...SHARED, 'indexes'],
  vfs: BOTTOM,
  iter: BOTTOM,
  cache: [...BOTTOM, 'shm'],
  memtable: [...SHARED, 'iter'],
  wal: [...BOTTOM, 'batch', 'vfs'],
  sst: [...BOTTOM, 'vfs', 'cache', 'iter'],
  manifest: [...BOTTOM, 'shm', 'vfs', 'iter'],
  compaction: [...BOTTOM, 'vfs', 'iter', 'cache', 'memtable', 'sst', 'manifest'],
  engine: [...SHARED, 'indexes', 'vfs', 'iter', 'cache', 'memtable', 'wal', 'sst', 'manifest', 'compaction'],
  tools: [
    ...SHARED,
    'indexes',
    'vfs',
    'iter',
    'cache',
    'memtable',
    'wal',
    'sst',
    'manifest',
    'compaction',
    'engine',
  ],
  backup: [
    ...SHARED,
    'indexes',
    'vfs',
    'iter',
    'cache',
    'memtable',
    'wal',
    'sst',
    'manifest',
    'compaction',
    'engine',
    'tools',
  ],
  ipc: SHARED,
  router: [...SHARED, 'ipc'],
  catalog: [...SHARED, 'indexes', 'sql', 'ipc', 'router'],
  admin: [...SHARED, 'indexes', 'sql', 'ipc', 'router', 'catalog'],
  auth: BOTTOM,
  front: [...SHARED, 'indexes', 'sql', 'ipc', 'router', 'catalog', 'auth', 'admin'],
  // A generator: nobody imports it, so no thread of the server loads it.
  openapi: ['base', 'auth', 'front'],
  config: ['base'],
  client: [...BOTTOM, 'batch'],
  transfer: [...BOTTOM, 'json', 'client'],
  runtime: [...SHARED, 'indexes', ...STORAGE, ...SERVICE, 'config'],
  cli: ['base', 'config', 'auth', 'transfer', 'tools', 'backup', 'runtime'],
};

const sources = readSources('src');
const workers = readSources('workers');
const layerOf = (path: string): string => path.split('/')[1];

test('every folder of src has its place in the layers', (t) => {
  const known = Object.keys(MAY_IMPORT);
  t.deepEqual(
    [...new Set(sources.map(({ path }) => layerOf(path)))].filter((layer) => !known.includes(layer)),
    [],
  );
  t.true(sources.length > 100, 'the sources were found');
});

test('no import goes against the direction of the layers', (t) => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => !target.startsWith('src/') || !isAllowed(layerOf(path), layerOf(target)))
      .map((target) => `${path} imports ${target}`),
  );
  t.deepEqual(wrong, []);
});

function isAllowed(from: string, to: string): boolean {
  return from === to || MAY_IMPORT[from].includes(to);
}

test('the storage and the service column never import each other', (t) => {
  const crossing = sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => isCrossing(layerOf(path), layerOf(target)))
      .map((target) => `${path} imports ${target}`),
  );
  t.deepEqual(crossing, []);
});

function isCrossing(from: string, to: string): boolean {
  return (STORAGE.includes(from) && SERVICE.includes(to)) || (SERVICE.includes(from) && STORAGE.includes(to));
}

test('the files of worker threads are a few lines that import runtime only', (t) => {
  t.true(workers.length >= 3);
  for (const { path, imports, text } of workers) {
    t.true(
      imports.every((target) => target.startsWith('src/runtime/')),
      path,
    );
    t.true(text.split('\n').length < 15, path);
  }
});

test('no files import each other in a circle', (t) => {
  t.deepEqual(circles([...sources, ...workers]), []);
});

/** Circles of imports, each as the path around it. Types are not there at run time: who is told about whom is fine. */
function circles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, file.runtimeImports]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

test('what these tests look for is found where it is', (t) => {
  t.deepEqual(
    importsOf(
      "import a from './a.js';\nimport type { B } from '../b.js';\nexport * from './c.js';\nimport './d.js';\nawait import('./e.js');\n",
    ),
    ['./a.js', '../b.js', './c.js', './d.js', './e.js'],
  );
  const file = (path: string, ...imports: string[]): SourceFile => ({
    path,
    imports,
    runtimeImports: imports,
    text: '',
  });
  t.deepEqual(circles([file('a', 'b'), file('b', 'c'), file('c', 'a')]), ['a → b → c → a']);
  t.deepEqual(circles([file('a', 'b', 'c'), file('b', 'c'), file('c')]), []);
  t.deepEqual(
    importsOf(
      "import type { B } from '../b.js';\nimport { type C, d } from './c.js';\n",
      (text) => !/import type/.test(text),
    ),
    ['./c.js'],
  );
  t.false(isAllowed('wal', 'engine'));
  t.true(isCrossing('engine', 'ipc'));
});
