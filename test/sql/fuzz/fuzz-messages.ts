/** Between the fuzz test and its thread. */
export interface FuzzTask {
  readonly seed: number;
  readonly statements: number;
  /** Only this one is run. */
  readonly only?: number;
}

export type FuzzMessage =
  | { readonly kind: 'next'; readonly number: number; readonly text: string }
  | { readonly kind: 'failed'; readonly number: number; readonly text: string; readonly failure: string }
  | { readonly kind: 'done'; readonly withRows: number; readonly heapGrowthBytes: number };
