/** Bytes that a thread has come through and not told its owner of yet: they go with its next message. */
export class UntoldBytes {
  private bytes = 0;

  readonly add = (bytes: number): void => {
    this.bytes += bytes;
  };

  take(): number {
    const { bytes } = this;
    this.bytes = 0;
    return bytes;
  }
}
