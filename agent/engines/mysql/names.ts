import type { MysqlRequirements, ObjectKind } from './requirements.ts';

/**
 * A name in lower case as the servers fold it: each character alone, unlike JavaScript, which writes a last “Σ” as
 * “ς” and takes “İ” for two characters.
 */
export function foldName(name: string): string {
  return [...name].map((one) => (one === 'İ' ? 'i' : one.toLowerCase())).join('');
}

/** Kinds of which no server tells names apart by case, whatever its `lower_case_table_names`. */
const NEVER_BY_CASE: ReadonlySet<string> = new Set<ObjectKind>([
  'function',
  'procedure',
  'event',
  'package',
  'package body',
  'library',
]);

/** `kind name`, the same for names that are one to a server; `foldsNames`: its lower_case_table_names is not 0. */
export function objectKey(kind: string, name: string, foldsNames: boolean): string {
  return `${kind} ${foldsNames || NEVER_BY_CASE.has(kind) ? foldName(name) : name}`;
}

/** Keys of what a snapshot holds, as `objects` of its requirements lists it; empty where it lists nothing. */
export function heldKeys({ objects }: MysqlRequirements, foldsNames: boolean): Set<string> {
  return new Set((objects ?? []).map((object) => objectKey(...kindAndName(object), foldsNames)));
}

/** Takes `kind name` apart: a kind may be of two words, and a name may begin with any. */
function kindAndName(object: string): [kind: string, name: string] {
  const kind = object.startsWith('package body ') ? 'package body' : (object.split(' ', 1)[0] ?? '');
  return [kind, object.slice(kind.length + 1)];
}

/** Tables, views and sequences of a snapshot that a server which folds names could not tell apart. */
export function collisions({ objects }: MysqlRequirements): string[] {
  const names = (objects ?? [])
    .map(kindAndName)
    .filter(([kind]) => ['table', 'view', 'sequence'].includes(kind))
    .map(([, name]) => name);
  const seen = new Map<string, number>();
  for (const name of names) seen.set(foldName(name), (seen.get(foldName(name)) ?? 0) + 1);
  return names.filter((name) => (seen.get(foldName(name)) ?? 0) > 1);
}
