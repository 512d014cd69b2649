import test from 'ava';
import type { Entry } from '../../src/iter/entry-cursor.js';
import { BLOCK_DATA, BLOCK_HEADER_BYTES, sealBlock } from '../../src/sst/format.js';
import { type DamagedRange, type SalvageReport, salvageTable } from '../../src/sst/table-salvage.js';
import { ioErrorFromErrno } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { OpenMode, Vfs, VfsFile } from '../../src/vfs/vfs.js';
import { seededPrng } from '../support/random.js';
import {
  CODECS,
  DIRECTORY,
  described,
  document,
  entryOf,
  FILE_NUMBER,
  imageOf,
  memoryVfs,
  openTable,
  PATH,
  randomEntries,
  writeTable,
} from './support.js';

interface Salvaged {
  readonly report: SalvageReport;
  readonly entries: readonly string[];
  readonly damage: readonly DamagedRange[];
}

function salvage(vfs: Vfs): Salvaged {
  const entries: string[] = [];
  const damage: DamagedRange[] = [];
  const report = salvageTable({
    vfs,
    path: PATH,
    fileNumber: FILE_NUMBER,
    onEntry: (entry) => entries.push(described(entry)),
    onDamage: (range) => damage.push(range),
  });
  return { report, entries, damage };
}

interface Sample {
  readonly bytes: Uint8Array;
  /** Offset and end of each data block, and what is in it. */
  readonly blocks: readonly {
    readonly at: number;
    readonly end: number;
    readonly entries: readonly string[];
  }[];
  readonly dataEnd: number;
}

function sampleOf(entries: readonly Entry[], codec: (typeof CODECS)[number], blockSizeBytes: number): Sample {
  const vfs = memoryVfs();
  writeTable(vfs, entries, { codec, blockSizeBytes });
  const { index } = openTable(vfs);
  const bytes = vfs.readFile(PATH);
  const blocks = Array.from({ length: index.blockCount }, (_, block) => {
    const at = index.offsetOf(block);
    const end = at + index.spanOf(block);
    return { at, end, entries: salvage(imageOf(bytes.slice(0, end))).entries };
  });
  // Each salvage of a shorter file has the blocks of the one before as well.
  const own = blocks.map((block, i) => ({
    ...block,
    entries: block.entries.slice(blocks[i - 1]?.entries.length ?? 0),
  }));
  return { bytes, blocks: own, dataEnd: index.dataEnd };
}

const MIXED = { collections: 3, keyBytesMax: 40, valueBytesMax: 300, manyVersionsEvery: 50, seqnoMax: 1e6 };

const twelve = (): Entry[] =>
  Array.from({ length: 12 }, (_, i) =>
    document(1 + (i >> 3), `key-${i + 10}`, 100 - i, `{"text":"${'lorem ipsum '.repeat(i)}"}`),
  );

test('an undamaged table is read whole and nothing is reported', (t) => {
  for (const codec of CODECS) {
    const entries = twelve();
    const { bytes } = sampleOf(entries, codec, 200);
    const salvaged = salvage(imageOf(bytes));
    t.deepEqual(salvaged.entries, entries.map(described));
    t.deepEqual(salvaged.damage, []);
    t.like(salvaged.report, { entries: 12, damagedBytes: 0, damagedRanges: 0, sizeBytes: bytes.length });
  }
});

for (const codec of CODECS) {
  test(`${codec}: whatever byte is changed, all entries outside its block are read, and the byte is in the damage`, (t) => {
    const { bytes, blocks, dataEnd } = sampleOf(twelve(), codec, 200);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] ^= 1 << (at % 8);
      const { entries, damage, report } = salvage(imageOf(changed));
      const expected = blocks
        .filter((block) => at < block.at || at >= block.end)
        .flatMap((block) => block.entries);
      t.deepEqual(entries, expected, `byte ${at}`);
      t.is(damage.length, 1, `byte ${at}`);
      const [{ offset, length, mayHoldEntries }] = damage;
      t.true(offset <= at && at < offset + length, `byte ${at}`);
      t.is(mayHoldEntries, at < dataEnd, `byte ${at}`);
      t.is(report.damagedBytes, length);
    }
  });

  test(`${codec}: a table that was cut anywhere gives the blocks in front of the cut`, (t) => {
    const { bytes, blocks } = sampleOf(twelve(), codec, 200);
    for (let length = 0; length < bytes.length; length++) {
      const { entries, damage } = salvage(imageOf(bytes.slice(0, length)));
      t.deepEqual(
        entries,
        blocks.filter((block) => block.end <= length).flatMap((block) => block.entries),
      );
      t.true(damage.length >= 1, `${length} bytes`);
    }
  });
}

test('several damaged places of a larger table are each reported, and the rest is read', (t) => {
  const prng = seededPrng(t);
  const random = randomEntries(prng, { ...MIXED, keys: 1000 });
  const { bytes, blocks } = sampleOf(random, 'lz4', 4096);
  const broken = new Set<number>();
  for (let i = 0; i < 5; i++) {
    const block = blocks[prng.nextBelow(blocks.length)];
    bytes[block.at + prng.nextBelow(block.end - block.at)] ^= 255;
    broken.add(block.at);
  }
  const { entries, damage } = salvage(imageOf(bytes));
  t.deepEqual(
    entries,
    blocks.filter((block) => !broken.has(block.at)).flatMap((block) => block.entries),
  );
  t.true(damage.length >= 1 && damage.length <= broken.size);
});

test('without index, filter, properties and footer all entries are still found', (t) => {
  const { bytes, blocks, dataEnd } = sampleOf(twelve(), 'zstd', 200);
  bytes.fill(0, dataEnd);
  const { entries, damage } = salvage(imageOf(bytes));
  t.deepEqual(
    entries,
    blocks.flatMap((block) => block.entries),
  );
  t.like(damage, [{ offset: dataEnd, length: bytes.length - dataEnd }]);
});

test('a document that contains a perfect block is not taken for one when its own block is damaged', (t) => {
  const forged = document(9, 'forged', 999, '{}');
  const vfs = memoryVfs();
  writeTable(vfs, [forged], { codec: 'none', path: `${PATH}.other` });
  const payload = vfs.readFile(`${PATH}.other`).subarray(0, BLOCK_HEADER_BYTES + 60);
  const value = new Uint8Array(300);
  // Where the value will be: behind the block's header and the entry's own fields and key.
  const valueAt = BLOCK_HEADER_BYTES + 9 + 1 + 4 + 5;
  const rawLength = new DataView(payload.buffer, payload.byteOffset).getUint32(12, true);
  value.set(payload.subarray(BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES + rawLength), BLOCK_HEADER_BYTES);
  const header = { storedLength: rawLength, rawLength, fileNumber: FILE_NUMBER, kind: BLOCK_DATA, codec: 1 };
  sealBlock(value, 0, valueAt, header);
  const carrier = entryOf(1, new TextEncoder().encode('carry'), 2 ** 31, value);
  const { bytes, blocks } = sampleOf([carrier, document(1, 'next', 5, '{}')], 'none', 100);
  t.is(
    Buffer.from(bytes).indexOf(value.subarray(0, 24)),
    valueAt,
    'the forged block is where it claims to be',
  );
  // A damaged payload leaves the header that says where the next block begins.
  bytes[blocks[0].end - 30] ^= 1;
  t.deepEqual(salvage(imageOf(bytes)).entries, blocks[1].entries);
});

const SECTOR_BYTES = 4096;

/** A device on which one sector cannot be read. */
class BadSectorVfs extends MemoryVfs {
  constructor(private readonly sectorAt: number) {
    super();
  }

  override open(path: string, mode: OpenMode): VfsFile {
    const file = super.open(path, mode);
    const pread = file.pread.bind(file);
    file.pread = (into, offset, length, position) => {
      const isHit = position < this.sectorAt + SECTOR_BYTES && position + length > this.sectorAt;
      if (isHit) throw ioErrorFromErrno('pread', path, 'EIO');
      return pread(into, offset, length, position);
    };
    return file;
  }
}

test('a sector that the device cannot read costs the blocks in it and no others', (t) => {
  const prng = seededPrng(t);
  const entries = randomEntries(prng, { ...MIXED, keys: 900 });
  const { bytes, blocks } = sampleOf(entries, 'none', 1024);
  const sectorAt = SECTOR_BYTES * prng.nextBelow(Math.floor(blocks[blocks.length - 2].at / SECTOR_BYTES));
  const vfs = new BadSectorVfs(sectorAt);
  vfs.makeDirectory(DIRECTORY);
  vfs.writeFileAtomic(PATH, bytes);
  const salvaged = salvage(vfs);
  const isReadable = (block: Sample['blocks'][number]): boolean =>
    block.end <= sectorAt || block.at >= sectorAt + SECTOR_BYTES;
  const readable = blocks.filter(isReadable);
  t.deepEqual(
    salvaged.entries,
    readable.flatMap((block) => block.entries),
  );
  const lost = blocks.filter((block) => !isReadable(block));
  t.like(salvaged.damage, [{ offset: lost[0].at, length: (lost.at(-1)?.end ?? 0) - lost[0].at, got: 'EIO' }]);
});

test('what the receiver of entries throws ends the salvage', (t) => {
  const { bytes } = sampleOf(twelve(), 'none', 200);
  const stop = new Error('stop');
  const onEntry = (): void => {
    throw stop;
  };
  const options = {
    vfs: imageOf(bytes),
    path: PATH,
    fileNumber: FILE_NUMBER,
    onEntry,
    onDamage: () => t.fail(),
  };
  t.is(
    t.throws(() => salvageTable(options)),
    stop,
  );
});
