const WORDS =
  `the order was left with a neighbour because nobody answered please call before delivery customer asked for
  an invoice by email and wants to return one item colour did not match picture package arrived damaged refund approved
  second attempt on monday morning gift wrapping included address corrected after support ticket payment by transfer
  received late discount applied manually loyal since many years frame scratched replacement sent from warehouse berlin
  paris london madrid lisbon vienna express pallet weight checked customs form missing signature required leave at door`
    .split(/\s+/)
    .map((word) => ` ${word}`);

/** xorshift32: fast, and the same everywhere for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Eight hexadecimal digits. */
export const hex32 = (word: number) => (word + 0x1_0000_0000).toString(16).slice(1);

/** Words of an order’s note, `least` or up to `more` more. */
export function sentence(next: () => number, least: number, more: number): string {
  let text = '';
  for (let words = least + (next() % more); words > 0; words -= 1) text += WORDS[next() % WORDS.length];
  return text.slice(1);
}
