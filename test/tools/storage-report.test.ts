import test from 'ava';
import { storageReport } from '../../src/tools/storage-report.js';
import { MemoryVfs } from '../../src/vfs/memory.js';

const ROOT = '/data';
const bytes = (length: number): Uint8Array => new Uint8Array(length);
const never = (): boolean => false;

function damagedDirectory(): MemoryVfs {
  const vfs = new MemoryVfs();
  for (const name of ['wal', 'sst', 'quarantine']) vfs.makeDirectory(`${ROOT}/shard-0003/${name}`);
  vfs.writeFileAtomic(`${ROOT}/meta.json`, bytes(10));
  vfs.writeFileAtomic(`${ROOT}/shard-0003/sst/0000000001.sst`, bytes(100));
  vfs.writeFileAtomic(`${ROOT}/shard-0003/wal/00000000000000000001.wal`, bytes(30));
  vfs.writeFileAtomic(`${ROOT}/shard-0003/wal/spare-0.wal`, bytes(40));
  vfs.writeFileAtomic(`${ROOT}/shard-0003/quarantine/0000000009.sst`, bytes(7));
  return vfs;
}

test('a shard without a manifest is reported by its files, with the reason why nobody knows their levels', (t) => {
  const { shards, top, is_cut } = storageReport(damagedDirectory(), ROOT, never);
  t.false(is_cut);
  t.deepEqual(top, { files: 1, bytes: 10, listed: [{ name: 'meta.json', bytes: 10 }] });
  t.is(shards.length, 1);
  const [{ shard, levels, manifest, manifest_failed, tables, wal, quarantine }] = shards;
  t.is(shard, 3);
  t.is(levels, null);
  t.is(manifest, null);
  t.regex(manifest_failed ?? '', /CURRENT.*missing/);
  t.deepEqual(tables, {
    files: 1,
    bytes: 100,
    listed: [{ name: '0000000001.sst', bytes: 100, level: null }],
  });
  t.like(wal, { segments: 1, spares: 1, files: 2, bytes: 70 });
  t.is(quarantine.bytes, 7);
});

test('when the time is over the report says that it is cut', (t) => {
  const { shards, is_cut } = storageReport(damagedDirectory(), ROOT, () => true);
  t.true(is_cut);
  t.deepEqual(shards, []);
});
