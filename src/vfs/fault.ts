/**
 * A Vfs that fails on demand. Wraps any other Vfs and asks its rules before each operation; the first rule that
 * answers decides. A rule may also throw something of its own, which is how tests stop a run at one exact step.
 */
import { ioErrorFromErrno } from './io-error.js';
import { readWholeFile, replaceFile, writeFully } from './transfer.js';
import type { OpenMode, Vfs, VfsFile } from './vfs.js';

export type VfsOperation =
  | 'open'
  | 'pread'
  | 'pwrite'
  | 'fdatasync'
  | 'fsync'
  | 'size'
  | 'truncate'
  | 'close'
  | 'exists'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'link'
  | 'copyFile'
  | 'linkCount'
  | 'unlink'
  | 'syncDirectory'
  | 'sizeOf'
  | 'modifiedMsOf'
  | 'freeBytes'
  | 'totalBytes';

/** Operations that change what is or will be on the device. */
const MUTATIONS: ReadonlySet<VfsOperation> = new Set<VfsOperation>([
  'pwrite',
  'fdatasync',
  'fsync',
  'truncate',
  'makeDirectory',
  'rename',
  'link',
  'copyFile',
  'unlink',
  'syncDirectory',
]);

export interface FaultCall {
  readonly operation: VfsOperation;
  readonly path: string;
  /** 1 for the first call of this operation on this FaultVfs. */
  readonly call: number;
  /** Changing operations so far, this one included if it is one. `open` in mode 'create' counts. */
  readonly mutation: number;
  readonly isMutation: boolean;
  /** For pwrite: the bytes this system call was asked to write. */
  readonly length: number;
}

export type Fault =
  /** Fails without having done anything. */
  | { readonly kind: 'error'; readonly errno: string }
  /** Does it, then fails all the same: the outcome is unknown to the caller. */
  | { readonly kind: 'error-after'; readonly errno: string }
  /** pwrite only: this one system call writes no more than `bytes`; the caller's loop asks again for the rest. */
  | { readonly kind: 'short-write'; readonly bytes: number };

/** Undefined means: not my business, ask the next rule. */
export type FaultRule = (call: FaultCall) => Fault | undefined;

export class FaultVfs implements Vfs {
  private readonly rules: FaultRule[] = [];
  private readonly calls = new Map<VfsOperation, number>();
  private mutations = 0;

  constructor(
    private readonly inner: Vfs,
    ...rules: FaultRule[]
  ) {
    this.rules.push(...rules);
  }

  /** Adds a rule in front of the others; the result removes it again. */
  addRule(rule: FaultRule): () => void {
    this.rules.unshift(rule);
    return () => {
      const index = this.rules.indexOf(rule);
      if (index >= 0) this.rules.splice(index, 1);
    };
  }

  /** Calls of `operation` so far, failed ones included. */
  callCount(operation: VfsOperation): number {
    return this.calls.get(operation) ?? 0;
  }

  /** Changing operations so far: the number of places where a crash can be put. */
  mutationCount(): number {
    return this.mutations;
  }

  open(path: string, mode: OpenMode): VfsFile {
    const file = this.run('open', path, () => this.inner.open(path, mode), mode === 'create');
    return new FaultFile(this, file);
  }
  exists(path: string): boolean {
    return this.run('exists', path, () => this.inner.exists(path));
  }
  list(directory: string): string[] {
    return this.run('list', directory, () => this.inner.list(directory));
  }
  makeDirectory(path: string): void {
    this.run('makeDirectory', path, () => this.inner.makeDirectory(path));
  }
  rename(from: string, to: string): void {
    this.run('rename', from, () => this.inner.rename(from, to));
  }
  link(from: string, to: string): void {
    this.run('link', from, () => this.inner.link(from, to));
  }
  copyFile(from: string, to: string): void {
    this.run('copyFile', from, () => this.inner.copyFile(from, to));
  }
  linkCount(path: string): number {
    return this.run('linkCount', path, () => this.inner.linkCount(path));
  }
  unlink(path: string): void {
    this.run('unlink', path, () => this.inner.unlink(path));
  }
  syncDirectory(path: string): void {
    this.run('syncDirectory', path, () => this.inner.syncDirectory(path));
  }
  sizeOf(path: string): number {
    return this.run('sizeOf', path, () => this.inner.sizeOf(path));
  }
  modifiedMsOf(path: string): number {
    return this.run('modifiedMsOf', path, () => this.inner.modifiedMsOf(path));
  }
  freeBytes(path: string): number {
    return this.run('freeBytes', path, () => this.inner.freeBytes(path));
  }
  totalBytes(path: string): number {
    return this.run('totalBytes', path, () => this.inner.totalBytes(path));
  }
  // The two composed operations go through this Vfs, so that each of their steps can fail.
  readFile(path: string): Uint8Array {
    return readWholeFile(this, path);
  }
  writeFileAtomic(path: string, bytes: Uint8Array): void {
    replaceFile(this, path, bytes);
  }

  /** Used by FaultFile: performs `action` unless a rule says otherwise. */
  run<T>(operation: VfsOperation, path: string, action: () => T, isMutation = MUTATIONS.has(operation)): T {
    const fault = this.decide(operation, path, isMutation, 0);
    if (fault?.kind === 'error') throw ioErrorFromErrno(operation, path, fault.errno);
    const result = action();
    if (fault?.kind === 'error-after') throw ioErrorFromErrno(operation, path, fault.errno);
    return result;
  }

  /** Used by FaultFile for pwrite: one system call; returns the bytes written. */
  runWrite(path: string, length: number, write: (length: number) => void): number {
    const fault = this.decide('pwrite', path, true, length);
    if (fault?.kind === 'error') throw ioErrorFromErrno('pwrite', path, fault.errno);
    const written = fault?.kind === 'short-write' ? Math.min(fault.bytes, length) : length;
    if (written > 0) write(written);
    if (fault?.kind === 'error-after') throw ioErrorFromErrno('pwrite', path, fault.errno);
    return written;
  }

  private decide(
    operation: VfsOperation,
    path: string,
    isMutation: boolean,
    length: number,
  ): Fault | undefined {
    const call = this.callCount(operation) + 1;
    this.calls.set(operation, call);
    if (isMutation) this.mutations++;
    const described: FaultCall = { operation, path, call, mutation: this.mutations, isMutation, length };
    for (const rule of this.rules) {
      const fault = rule(described);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
}

class FaultFile implements VfsFile {
  constructor(
    private readonly vfs: FaultVfs,
    private readonly inner: VfsFile,
  ) {}

  get path(): string {
    return this.inner.path;
  }
  pread(buffer: Uint8Array, offset: number, length: number, position: number): number {
    return this.vfs.run('pread', this.path, () => this.inner.pread(buffer, offset, length, position));
  }
  pwrite(buffer: Uint8Array, offset: number, length: number, position: number): void {
    writeFully(this.path, offset, length, position, (o, l, p) =>
      this.vfs.runWrite(this.path, l, (count) => this.inner.pwrite(buffer, o, count, p)),
    );
  }
  fdatasync(): void {
    this.vfs.run('fdatasync', this.path, () => this.inner.fdatasync());
  }
  fsync(): void {
    this.vfs.run('fsync', this.path, () => this.inner.fsync());
  }
  size(): number {
    return this.vfs.run('size', this.path, () => this.inner.size());
  }
  truncate(size: number): void {
    this.vfs.run('truncate', this.path, () => this.inner.truncate(size));
  }
  close(): void {
    this.vfs.run('close', this.path, () => this.inner.close());
  }
}

/** Fails the n-th call (1-based) of `operation`, once. */
export function failNth(operation: VfsOperation, n: number, errno: string): FaultRule {
  return (call) => (call.operation === operation && call.call === n ? { kind: 'error', errno } : undefined);
}

/** Fails `operation` for as long as `active` says so. */
export function failWhile(operation: VfsOperation, errno: string, active: () => boolean): FaultRule {
  return (call) => (call.operation === operation && active() ? { kind: 'error', errno } : undefined);
}
