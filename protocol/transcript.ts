/**
 * Bytes both sides sign: a versioned label, then each field as a 4-byte big-endian length and its bytes.
 * Lengths make the encoding injective: no two field lists give the same bytes.
 */
export function transcript(label: string, fields: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const field of [label, ...fields]) {
    const bytes = typeof field === 'string' ? Buffer.from(field) : field;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}
