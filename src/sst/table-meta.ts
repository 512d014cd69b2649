/** What a table keeps in memory while it is open: properties, index and filter, read whole and checked against each other. */
import { BloomFilter } from './bloom-filter.js';
import { BLOCK_FILTER, BLOCK_INDEX, BLOCK_PROPERTIES } from './format.js';
import { decodeProperties, type TableProperties } from './properties.js';
import type { TableFile } from './table-file.js';
import { TableIndex } from './table-index.js';

export interface TableMeta {
  readonly properties: TableProperties;
  readonly index: TableIndex;
  /** Null when the table was written without one. */
  readonly filter: BloomFilter | null;
}

/** Throws DbError('CORRUPT_TABLE') or DbError('IO'). */
export function readTableMeta(file: TableFile): TableMeta {
  const properties = readProperties(file);
  return { properties, index: readIndex(file, properties), filter: readFilter(file, properties) };
}

function readProperties(file: TableFile): TableProperties {
  const { propertiesAt } = file.footer;
  const payload = file.readMetaBlock(propertiesAt, file.footerAt, BLOCK_PROPERTIES);
  return file.decode('properties of the table', propertiesAt, () =>
    decodeProperties(payload, file.sizeBytes),
  );
}

function readIndex(file: TableFile, properties: TableProperties): TableIndex {
  const { indexAt, propertiesAt, dataEnd } = file.footer;
  const payload = file.readMetaBlock(indexAt, propertiesAt, BLOCK_INDEX);
  const index = file.decode('index of the table', indexAt, () => TableIndex.decode(payload));
  if (index.dataEnd !== dataEnd) file.refuse(indexAt, 'end of the data blocks', dataEnd, index.dataEnd);
  if (index.blockCount !== properties.dataBlocks) {
    file.refuse(indexAt, 'number of data blocks', properties.dataBlocks, index.blockCount);
  }
  return index;
}

function readFilter(file: TableFile, properties: TableProperties): BloomFilter | null {
  const { dataEnd, indexAt } = file.footer;
  const bits = properties.bloomBitsPerKey;
  const isThere = dataEnd < indexAt;
  if (bits > 0 !== isThere) file.refuse(dataEnd, 'bits per key of the filter', bits, indexAt - dataEnd);
  if (bits === 0) return null;
  const payload = file.readMetaBlock(dataEnd, indexAt, BLOCK_FILTER);
  const filter = BloomFilter.decode(payload);
  return filter ?? file.refuse(dataEnd, 'filter of the table', 'lines of 64 bytes', payload.length);
}
