/**
 * A piece of SQL that renders to two dialects: LumaDB's, where members of documents are columns, and PostgreSQL's over a column
 * `data jsonb`. Pieces nest, so that a query is a tree whose leaves are texts.
 */
export type Dialect = 'luma' | 'postgres';

/** Text that differs between the dialects. */
export interface Variant {
  readonly luma: string | Fragment;
  readonly postgres: string | Fragment;
}

export interface Fragment {
  readonly parts: readonly (string | Fragment | Variant)[];
}

export function sql(
  texts: TemplateStringsArray,
  ...values: readonly (string | number | Fragment)[]
): Fragment {
  const parts: (string | Fragment)[] = [texts[0]];
  values.forEach((value, index) => {
    parts.push(typeof value === 'number' ? String(value) : value, texts[index + 1]);
  });
  return { parts };
}

export const variant = (luma: string | Fragment, postgres: string | Fragment): Fragment => ({
  parts: [{ luma, postgres }],
});

export function joined(fragments: readonly (string | Fragment)[], separator: string): Fragment {
  return {
    parts: fragments.flatMap((fragment, index) => (index === 0 ? [fragment] : [separator, fragment])),
  };
}

export function render(fragment: string | Fragment, dialect: Dialect): string {
  if (typeof fragment === 'string') return fragment;
  return fragment.parts
    .map((part) =>
      typeof part === 'object' && 'luma' in part ? render(part[dialect], dialect) : render(part, dialect),
    )
    .join('');
}
