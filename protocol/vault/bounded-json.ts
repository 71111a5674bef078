/** Values that any document may have, however short it is. */
const ALLOWANCE = 100_000;
const OPENERS = new Set([...'[{,'].map((character) => character.charCodeAt(0)));

/**
 * Parses JSON that somebody else made, unless it is made to fill memory: a value costs some 50 bytes of it, so
 * `[[],[],…]` of 64 MiB would take a gigabyte. Throws for text with more than one value per `bytesPerValue`
 * bytes, and where `JSON.parse` does.
 */
export function parseBounded(text: Uint8Array, bytesPerValue: number): unknown {
  let values = 0;
  for (let at = 0; at < text.length; at += 1) if (OPENERS.has(text[at]!)) values += 1;
  if (values > ALLOWANCE + text.length / bytesPerValue)
    throw new Error('The document has far more values than its length warrants.');
  return JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8'));
}
