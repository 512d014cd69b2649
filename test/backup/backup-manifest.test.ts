import test from 'ava';
import {
  type BackupManifest,
  decodeManifest,
  encodeManifest,
} from '../../src/backup/manifest/backup-manifest.js';
import { keyId } from '../../src/backup/object/object-format.js';

const KEY = Buffer.alloc(32, 5);
const HASH = 'a'.repeat(64);
const ZEROS = '0'.repeat(64);

function manifest(change: Partial<BackupManifest> = {}): BackupManifest {
  return {
    format_version: 1,
    id: '3f0b5a34-5a0e-4f6f-9d57-1b1c9b8f9e10',
    name: '20260102_030405',
    type: 'full',
    lumadb_version: '0.1.0',
    instance_id: 'i',
    shards: 1,
    seqno: 100,
    taken_at: '2026-01-02T03:04:05.678Z',
    finished_at: '2026-01-02T03:05:05.678Z',
    database_seconds: 1_790_000_000,
    collections: null,
    compression: 'zstd',
    encryption: null,
    wal_stream: null,
    parent: null,
    files: [
      {
        path: 'shard-0000/sst/0000000007.sst',
        size_bytes: 10,
        sha256: HASH,
        modified_ms: 1_790_000_000_000.25,
        object: 'shard-0000/0000000007.sst.zst',
        object_bytes: 12,
      },
    ],
    log: [
      {
        shard: 0,
        after: 50,
        through: 100,
        records: 3,
        last_wall_clock_ms: 1,
        chain: HASH,
        previous_chain: ZEROS,
        object: 'shard-0000/log.zst',
        object_bytes: 5,
      },
    ],
    shard_states: [{ shard: 0, flushed_seqno: 50 }],
    ...change,
  };
}

test('what was written is read', (t) => {
  const { text, digest } = encodeManifest(manifest());
  t.deepEqual(decodeManifest(text, 'backup.json'), { ...manifest(), digest });
});

test('a change anywhere in it is found', (t) => {
  const { text } = encodeManifest(manifest());
  for (const [from, to] of [
    ['"seqno": 100', '"seqno": 101'],
    ['"size_bytes": 10', '"size_bytes": 11'],
    ['0000000007.sst.zst', '0000000008.sst.zst'],
    ['"full"', '"incremental"'],
  ]) {
    t.true(text.includes(from), from);
    t.throws(() => decodeManifest(text.replace(from, to), 'b'), { message: /digest is wrong/ }, from);
  }
  t.throws(() => decodeManifest(text.slice(0, -20), 'b'), { message: /b is damaged: not JSON/ });
  t.throws(() => decodeManifest('[]', 'b'), { message: /not a JSON object/ });
});

test('an encrypted one cannot be changed without the key, even with a digest made anew', (t) => {
  const encrypted = manifest({ encryption: { cipher: 'aes-256-gcm', key_id: keyId(KEY).toString('hex') } });
  const { text } = encodeManifest(encrypted, KEY);
  t.is(decodeManifest(text, 'b', KEY).seqno, 100);
  t.throws(() => decodeManifest(text, 'b'), { message: /give its key/ });
  t.throws(() => decodeManifest(text, 'b', Buffer.alloc(32, 6)), { message: /another key/ });
  const forged = encodeManifest({ ...encrypted, seqno: 200 }).text;
  t.throws(() => decodeManifest(forged, 'b', KEY), { message: /digest is wrong/ });
});

test('a newer format and unknown members are refused with what they are', (t) => {
  const newer = { ...manifest(), format_version: 2 };
  t.throws(() => decodeManifest(JSON.stringify(newer), 'b'), { message: /format version 2 is newer/ });
  t.throws(() => decodeManifest(JSON.stringify({ ...manifest(), surprise: 1 }), 'b'), {
    message: /surprise/,
  });
});

test('hostile paths, objects and names are refused', (t) => {
  const [file] = manifest().files;
  const paths = [
    '../x',
    '/etc/passwd',
    'shard-0000/sst/../../x',
    'shard-0000/wal/x',
    'token.key',
    'a\0b',
    'shard-0000/sst/0000000007.sst/..',
  ];
  for (const path of paths) refused({ files: [{ ...file, path }] });
  for (const object of ['../x', '/x', 'a//b', 'a/../b', 'a\\b', 'a\0', './x', 'a/.hidden'])
    refused({ files: [{ ...file, object }] });
  for (const name of ['..', '.', 'a/b', '/a', '', 'a\0', '.hidden', '-rf']) {
    refused({ name });
    refused({ files: [{ ...file, in: name }], parent: { name: 'p', id: manifest().id, digest: HASH } });
  }
  function refused(change: Partial<BackupManifest>): void {
    // As a forger would write it: the digest cannot be what gives it away.
    const text = JSON.stringify({ ...manifest(change), digest: HASH });
    t.throws(
      () => decodeManifest(text, 'b'),
      { message: /b is damaged: (?!its digest)/ },
      JSON.stringify(change),
    );
  }
});

test('what cannot belong together is refused', (t) => {
  const [file] = manifest().files;
  const [piece] = manifest().log;
  const wrong: ReadonlyArray<readonly [Partial<BackupManifest>, RegExp]> = [
    [{ files: [file, file] }, /a path occurs twice/],
    [{ log: [{ ...piece, shard: 1 }] }, /names another/],
    [{ log: [{ ...piece, through: 101 }] }, /out of range/],
    [{ shard_states: [] }, /not every shard/],
    [{ files: [{ ...file, in: 'other' }] }, /no parent/],
  ];
  for (const [change, reason] of wrong) {
    t.throws(() => decodeManifest(encodeManifest(manifest(change)).text, 'b'), { message: reason });
  }
});
