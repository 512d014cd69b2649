/** Lines of pieces that know how they are shown, so that their width can be judged before colours are in the text. */
import { createColors } from 'picocolors';

export type Style = 'plain' | 'bold' | 'dim' | 'warning' | 'alarm';

export interface Piece {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Piece[];

export const piece = (text: string, style: Style = 'plain'): Piece => ({ text, style });

export const widthOf = (line: Line): number => line.reduce((sum, { text }) => sum + text.length, 0);

/** Filled up with spaces. */
export function padded(line: Line, width: number): Line {
  const missing = width - widthOf(line);
  return missing > 0 ? [...line, piece(' '.repeat(missing))] : line;
}

/** Cut off at `width`. */
export function clipped(line: Line, width: number): Line {
  let left = width;
  return line.flatMap(({ text, style }) => {
    const shown = text.slice(0, left);
    left -= shown.length;
    return shown === '' ? [] : [piece(shown, style)];
  });
}

/** What a terminal would obey must not come from a server; a line end would break the layout as well. */
export const harmless = (text: string): string => text.replace(/\p{Cc}/gu, ' ');

/** The words of a text in lines of at most `width`; a longer word has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Turns a line into the text for a terminal; spaces at its end are left away. */
export type Painter = (line: Line) => string;

export function painter(hasColors: boolean): Painter {
  const colors = createColors(hasColors);
  const paint: Readonly<Record<Style, (text: string) => string>> = {
    plain: (text) => text,
    bold: colors.bold,
    dim: colors.dim,
    warning: colors.yellow,
    alarm: (text) => colors.bold(colors.red(text)),
  };
  return (line) =>
    line
      .map(({ text, style }) => paint[style](text))
      .join('')
      .trimEnd();
}
