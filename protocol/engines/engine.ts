import type { z } from 'zod';

/** TLS between agent and database server, in the order of how much each protects. */
export const TLS_MODES = ['off', 'prefer', 'require', 'verify-full'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/** One field of an engine's connection form. */
export interface FieldDescriptor {
  /** Key in the connection object; `password` is the one key that is never part of it. */
  name: string;
  label: string;
  kind: 'text' | 'number' | 'secret' | 'choice' | 'multiline';
  required: boolean;
  default?: string | number;
  placeholder?: string;
  help?: string;
  choices?: { value: string; label: string; help: string }[];
}

/**
 * One way to create the account Homeport logs in with. `sql` has the placeholders `{user}`, `{password}`,
 * `{database}` and `{databasePattern}` (the name where `_` and `%` would be wildcards: they have a backslash before
 * them), to be filled, quoted, by whoever shows it; `{password}` is inside a literal.
 */
export interface AccountRecipe {
  id: string;
  /** Where the server runs: self-hosted, AWS RDS, Azure … */
  platform: string;
  /** What the account covers: all databases or a single one. */
  scope: 'all' | 'single';
  label: string;
  sql: string;
  /** What this account can and cannot do. */
  note: string;
}

/** A way to put a snapshot back; ids are shared by all engines. */
export interface RestoreModeDescriptor {
  id: RestoreMode;
  label: string;
  help: string;
}

/**
 * `new`: a database that does not exist yet. `swap`: restore beside the target, then exchange names.
 * `in-place`: the database stays; what is in it is dropped and made again.
 */
export const RESTORE_MODES = ['new', 'swap', 'in-place'] as const;
export type RestoreMode = (typeof RESTORE_MODES)[number];

/** What a restore does only when asked. `enable-events`: events of the database's own scheduler run afterwards. */
export const RESTORE_SWITCHES = ['enable-events'] as const;
export type RestoreSwitch = (typeof RESTORE_SWITCHES)[number];

/** Who owns what is restored, or in whose name it runs; engines say which of these they have. */
export const OWNER_CHOICES = ['keep', 'create-roles', 'map', 'none'] as const;
export type OwnerChoice = (typeof OWNER_CHOICES)[number];

/** All that is known about an engine outside the agent: forms, labels and help are drawn from it. */
export interface EngineDescriptor {
  id: string;
  label: string;
  defaultPort: number;
  /** Stands on both sides of a quoted name and is doubled inside it; literals are quoted with `'`, doubled too. */
  identifierQuote: string;
  /** Whether a backslash in a literal has to be doubled as well. */
  backslashEscapes: boolean;
  fields: FieldDescriptor[];
  accounts: AccountRecipe[];
  restoreModes: RestoreModeDescriptor[];
  ownerChoices: { id: OwnerChoice; label: string; help: string }[];
  /** What the owner choices are about, and the field that `map` asks for. */
  ownership: { legend: string; mapLabel: string; mapHelp: string };
  restoreSwitches: { id: RestoreSwitch; label: string; help: string }[];
  /** How a pattern of a table selection is written, e.g. `schema.table`. */
  tablePattern: { placeholder: string; help: string };
  /** The native dump that `Download` gives. */
  download: { stream: string; extension: string; mediaType: string; restoreCommand: string };
}

/** Descriptor and parser of one engine; `connection` parses the non-secret part of a server's settings. */
export interface EngineDefinition {
  descriptor: EngineDescriptor;
  connection: z.ZodType<ConnectionBase>;
}

/** What every engine's connection has; engines add their own keys. */
export interface ConnectionBase {
  host: string;
  port: number;
  user: string;
  tls: TlsMode;
  /** PEM of the CA that `verify-full` trusts; the system's CAs where absent. */
  ca?: string | undefined;
}
