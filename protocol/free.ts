/**
 * Gives a buffer's memory back at once. Left to the garbage collector it costs collections, and the megabytes of
 * one backup are still there when the next one takes its own (docs/benchmarks.md).
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  // Small buffers share a pool with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
