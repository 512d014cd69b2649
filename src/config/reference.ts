/** Generates `docs/configuration.md` and the commented default `config.toml` from the schema. A test compares them. */
import { binarySize } from './keys.js';
import { describeConfig, type KeyInfo } from './schema.js';

const tomlValue = (value: KeyInfo['default']): string => JSON.stringify(value);

/** The lines of one comment, each at most 100 columns. */
function comment(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > 100) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function withSize(key: KeyInfo): string {
  const size =
    /bytes(\/s)?$/.test(key.allowed) && typeof key.default === 'number' ? binarySize(key.default) : null;
  return size === null ? '' : ` (${size})`;
}

const inactiveNote = (key: KeyInfo): string =>
  key.inactiveBecause === undefined ? '' : ` No effect in this release: ${key.inactiveBecause}.`;

function tomlKey(key: KeyInfo): readonly string[] {
  return [
    ...comment(`${key.description}${inactiveNote(key)}`),
    ...comment(`Default ${tomlValue(key.default)}${withSize(key)}; must be ${key.allowed}.`),
    `#${key.name} = ${tomlValue(key.default)}`,
    '',
  ];
}

/** The text of `config.toml`: every key, commented out, at its default. */
export function defaultToml(): string {
  const lines = [
    '# LumaDB configuration. Generated from src/config/schema.ts: every key stands here at its default,',
    '# commented out. Remove the # before a key to change it. Check with: lumadb config validate config.toml',
    '# Every key can also be set in the environment: LUMADB_SECTION__KEY, as in LUMADB_SERVER__PORT=9090.',
    '',
  ];
  for (const section of describeConfig()) {
    lines.push(`# ${section.description}`, `[${section.name}]`, ...section.keys.flatMap(tomlKey));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function tableRow(key: KeyInfo): string {
  const value = `\`${tomlValue(key.default)}\`${withSize(key)}`;
  const what = `${key.description}${inactiveNote(key).replace('No effect in this release:', '**$&**')}`;
  const effect = key.isLive ? 'at once' : 'restart';
  return `| \`${key.name}\` | ${value} | ${cell(key.allowed)} | ${cell(what)} | ${effect} | \`${key.environment}\` |`;
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema.ts by \`node dist/src/config/write-reference.js\`. Do not edit. -->

LumaDB reads, in this order, and later ones win:

1. the defaults below;
2. a TOML file: the one that \`--config FILE\` names, else \`./config.toml\`, else \`/etc/lumadb/config.toml\`; none is fine too;
3. what was changed while the server ran, by \`PATCH /admin/config\`: \`config-changes.json\` in the data directory;
4. the environment: \`LUMADB_SECTION__KEY\` (two underscores between section and key), as in \`LUMADB_SERVER__PORT=9090\`;
5. flags of the command line, as in \`lumadb start --port 9090\`.

Unknown sections, keys and variables are errors that name the nearest known one. All problems are reported
together, each as \`file:line:column: message\`. \`lumadb config validate FILE\` checks a file without starting
anything; \`lumadb config show\` prints the effective value of every key and where it comes from.

The column *changed* says when \`PATCH /admin/config\` takes effect: at once, or with the next start.

Keys marked **No effect in this release** are accepted, so that configurations written for another release need no
change; the server logs a warning when one is set to something other than its default.
`;

/** The text of `docs/configuration.md`. */
export function configurationReference(): string {
  const parts = [INTRODUCTION];
  for (const section of describeConfig()) {
    parts.push(`## [${section.name}]\n\n${section.description}\n`);
    const header =
      '| key | default | must be | what it does, what it costs | changed | environment |\n|---|---|---|---|---|---|';
    parts.push(`${header}\n${section.keys.map(tableRow).join('\n')}\n`);
  }
  return parts.join('\n');
}
