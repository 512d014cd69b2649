/** The configuration: what holds, the file, the changes made at run time, and the environment. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { CONFIG_CHANGES_FILE } from '../../config/changes.js';
import { CONFIG_FILE_BYTES_MAX, CONFIG_FILES_DEFAULT, originText } from '../../config/load.js';
import { shownEnvironment } from '../../runtime/diagnostics/environment.js';
import { readHead } from './bounded-file.js';
import { jsonPiece, type Piece } from './piece.js';
import type { Subject } from './subject.js';

const LIMIT_MS = 5000;

/** A configuration file as JSON, or why there is none. */
export interface ConfigFile {
  readonly path: string | null;
  readonly content: Readonly<Record<string, unknown>>;
  readonly failed: string | null;
}

/** The file that a start would read. */
export function readConfigFile(given: string | undefined): ConfigFile {
  const path = given ?? CONFIG_FILES_DEFAULT.find((each) => existsSync(each)) ?? null;
  if (path === null) return { path, content: {}, failed: null };
  try {
    return { path, content: parse(readHead(path, CONFIG_FILE_BYTES_MAX)), failed: null };
  } catch (error) {
    // The first line only: the others show the text, and nobody knows what is a secret in it.
    return { path, content: {}, failed: (error as Error).message.split('\n')[0] };
  }
}

export function configPieces(subject: Subject, file: ConfigFile, processEnvironment: EnvironmentOf): Piece[] {
  const { config, dataDirectory } = subject;
  const changes = join(dataDirectory, CONFIG_CHANGES_FILE);
  return [
    piece('effective.json', () => jsonPiece(effective(config))),
    // As JSON and without comments: in a tree it is certain which value belongs to which name.
    piece('file.json', () => jsonPiece(file)),
    piece('environment.json', () =>
      jsonPiece({
        of_this_command: shownEnvironment(process.env),
        of_the_server: processEnvironment === null ? null : shownEnvironment(processEnvironment),
      }),
    ),
    ...(existsSync(changes)
      ? [piece('changes.json', () => ({ text: readHead(changes, CONFIG_FILE_BYTES_MAX) }))]
      : []),
  ];
}

/** Null when it cannot be read. */
export type EnvironmentOf = Readonly<Record<string, string>> | null;

function piece(name: string, make: Piece['make']): Piece {
  return { name: `config/${name}`, source: 'machine', limitMs: LIMIT_MS, make };
}

/** What a start here and now would use. What a running server uses is in server/config.json. */
function effective(config: Subject['config']): unknown {
  if (config instanceof Error) return { valid: false, problems: config.message.split('\n') };
  const { source, warnings } = config;
  return {
    valid: true,
    warnings,
    config: config.config,
    sources: Object.fromEntries([...source.keys].map(([key, origin]) => [key, originText(origin)])),
  };
}
