/** The TypeScript sources as text: what imports what. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package is where package.json and tsconfig.json are: above the compiled output and above the sources. */
export function packageRoot(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) && existsSync(join(at, 'tsconfig.json'))) return at;
  }
  throw new Error('no package.json with a tsconfig.json above this file');
}

export interface SourceFile {
  /** Relative to the package: `src/wal/writer.ts`. */
  readonly path: string;
  readonly text: string;
  /** Files of this package that it imports, as paths relative to the package. Type imports count too. */
  readonly imports: readonly string[];
  /** Those of `imports` that are there at run time: all but `import type`. */
  readonly runtimeImports: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g;

const TYPE_ONLY = /^\s*(?:import|export)\s+type\b/;

export function importsOf(text: string, keep: (statement: string) => boolean = () => true): string[] {
  return [...text.matchAll(IMPORT)]
    .filter(([statement]) => keep(statement))
    .map((match) => match[1] ?? match[2] ?? match[3]);
}

const isAtRunTime = (statement: string): boolean => !TYPE_ONLY.test(statement);

/** All .ts files below the given folders of the package. */
export function readSources(...folders: readonly string[]): SourceFile[] {
  const root = packageRoot();
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => readSource(root, join(folder, name))),
  );
}

function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const named = importsOf(text);
  const resolveAll = (names: readonly string[]): string[] =>
    names
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(root, resolve(root, dirname(path), name)).replace(/\.js$/, '.ts'));
  return { path, text, imports: resolveAll(named), runtimeImports: resolveAll(importsOf(text, isAtRunTime)) };
}
