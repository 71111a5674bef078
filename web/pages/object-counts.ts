/** Entries by which a dump is put together again: bookkeeping of the archive, nothing a person made. */
const BOOKKEEPING =
  /^(encoding|stdstrings|searchpath|database|database properties|default acl|acl|comment|security label|table attach|index attach|(.* )?(data|set|owned by))$/;

/** Words that end otherwise than by an s. */
const ENDINGS: [RegExp, string][] = [
  [/(s|x|ch|sh)$/, '$1es'],
  [/([^aeiou])y$/, '$1ies'],
];

function plural(noun: string): string {
  for (const [ending, replacement] of ENDINGS) {
    if (ending.test(noun)) return noun.replace(ending, replacement);
  }
  return `${noun}s`;
}

/** `FK CONSTRAINT` as `foreign key`, `MATERIALIZED VIEW` as `materialized view`. */
function noun(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === 'fk constraint') return 'foreign key';
  // Kinds the agent counts itself are plural already.
  return lower === 'large objects' ? 'large object' : lower;
}

/** What a snapshot holds, most numerous first, as people count it: `3 tables`, `1 index`. */
export function objectTexts(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .filter(([kind, n]) => n > 0 && !BOOKKEEPING.test(kind.toLowerCase()))
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .map(([kind, n]) => `${n.toLocaleString()} ${n === 1 ? noun(kind) : plural(noun(kind))}`);
}
