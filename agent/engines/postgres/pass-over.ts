import type { TocEntry } from './archive-toc.ts';
import type { ArchiveName } from './drops.ts';
import type { InPlaceFacts } from './in-place-facts.ts';
import { quoteIdent } from './quote.ts';

/** Entries about an object as a whole; their one dependency is that object. */
const NOTES = new Set(['COMMENT', 'ACL', 'SECURITY LABEL']);
/** Parts of a table whose tags begin with the table's name. */
const NAMED_PARTS = new Set(['CONSTRAINT', 'CHECK CONSTRAINT', 'TRIGGER', 'RULE', 'POLICY', 'DEFAULT']);
/** Parts of a table, or of an index; what else they depend on is no table. */
const PARTS = new Set(['INDEX', 'INDEX ATTACH', 'STATISTICS']);
const WHOLES = new Set(['TABLE', 'INDEX', 'CONSTRAINT']);
/** Entries that go by the name of what they complete. */
const COMPLETIONS: Record<string, string> = {
  'ROW SECURITY': 'TABLE',
  'TABLE ATTACH': 'TABLE',
  'SEQUENCE OWNED BY': 'SEQUENCE',
  'SEQUENCE SET': 'SEQUENCE',
  'SHELL TYPE': 'TYPE',
};

/**
 * Tells which entries of an archive would make what stays in the target: kept tables with all that belongs to them
 * (foreign keys apart, which are made again), schemas and extensions. To be asked in the archive's order.
 */
export function passOver(facts: InPlaceFacts): (entry: TocEntry) => boolean {
  const key = ({ kind, schema, tag }: ArchiveName) => JSON.stringify([kind, schema, tag]);
  const standing = new Set(facts.standing.map(key));
  const notOurs = new Set([
    ...facts.schemas.filter((one) => !one.owned).flatMap((one) => tags('SCHEMA', one.name)),
    ...facts.extensions.filter((one) => !one.owned).flatMap((one) => tags('EXTENSION', one.name)),
  ]);
  const passed = new Map<number, TocEntry>();
  const belongs = (entry: TocEntry) =>
    entry.dependencies.some((id) => {
      const owner = passed.get(id);
      if (!owner) return false;
      if (NOTES.has(entry.desc)) return true;
      if (PARTS.has(entry.desc)) return WHOLES.has(owner.desc);
      return (
        NAMED_PARTS.has(entry.desc) &&
        owner.namespace === entry.namespace &&
        entry.tag.startsWith(`${owner.tag} `)
      );
    });
  return (entry) => {
    if (NOTES.has(entry.desc) && notOurs.has(entry.tag)) return true;
    const name = { kind: COMPLETIONS[entry.desc] ?? entry.desc, schema: entry.namespace, tag: entry.tag };
    if (!standing.has(key(name)) && !belongs(entry)) return false;
    // Notes on schemas and extensions that are ours are restored.
    if (entry.desc !== 'SCHEMA' && entry.desc !== 'EXTENSION') passed.set(entry.dumpId, entry);
    return true;
  };
}

/** pg_dump quotes names in tags where they need it. */
const tags = (kind: string, name: string) => [`${kind} ${name}`, `${kind} ${quoteIdent(name)}`];
