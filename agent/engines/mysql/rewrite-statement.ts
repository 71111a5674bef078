import { fail } from '../../../protocol/failure.ts';
import { programSql, tableSql } from './create-sql.ts';
import type { Created } from './dump-creates.ts';
import { DumpSession } from './dump-session.ts';
import { readStatement, type Statement } from './dump-statements.ts';
import { foldName } from './names.ts';
import { quoteIdent } from './quote.ts';
import type { ObjectKind } from './requirements.ts';
import type { Dialect } from './sql-lexicon.ts';
import { readSql, type Token } from './sql-scan.ts';
import { elsewhere } from './storage-engines.ts';

/** One statement to run. */
export interface Command {
  /** Its bytes, as latin1. */
  sql: string;
  /** Rows it inserts, and into which table. */
  rows?: number;
  table?: string;
  /** What it makes. */
  creates?: { what: ObjectKind; name: string };
  /** Line of the dump it begins at, from 1. */
  line: number;
}
type Rewritten = Omit<Command, 'line'>;

/** How a dump is to be changed on its way. */
export interface RewriteTerms {
  target: Pick<Dialect, 'flavour' | 'versionNumber'>;
  /** Name of the database that is filled. */
  database: string;
  /** Name of the database that was dumped: in front of some names it is left out. */
  source: string;
  /** Longest statement the target takes, in bytes. */
  maxStatement: number;
  /** Size of merged statements, in bytes; about 1 MiB where absent. */
  batchBytes?: number;
  /** The account that takes a definer's place; throws for a definer that the snapshot's catalog does not name. */
  definer(account: string): string;
  /** Tables that stay as they are: their definitions in the dump are passed over. */
  keptTables: ReadonlySet<string>;
  /** A table of ours in the target that no dump may touch. */
  mark: string;
  /** Whether case does not count in the target's names of tables. */
  foldsNames: boolean;
  /** Storage engines that the snapshot's catalog names, in lower case. */
  engines: ReadonlySet<string>;
}

/** What a dump's statements made. */
export interface Made {
  counts: Partial<Record<ObjectKind, number>>;
  rows: Map<string, number>;
  /** Events that were not disabled in the dump, with the account they run as. */
  enabledEvents: { name: string; definer: string }[];
  /** Events that end at some time: where it has passed, the server makes none. */
  lapsing: string[];
  /** Tables whose directories on the dumped server were left out. */
  relocated: string[];
  /** Views and programs that name the dumped database, as `kind name`: restored under another name they still do. */
  namesSource: string[];
}

/** The sql_mode that rows are inserted under; without our addition “2024-02-31” would silently become “0000-00-00”. */
const ROWS_MODE = /(\bSQL_MODE='NO_AUTO_VALUE_ON_ZERO)'/;

/** Judges and rewrites the statements of one dump, INSERTs apart. */
export class StatementRewriter {
  readonly session: DumpSession;
  readonly made: Made = {
    counts: {},
    rows: new Map(),
    enabledEvents: [],
    lapsing: [],
    relocated: [],
    namesSource: [],
  };
  readonly #terms: RewriteTerms;
  readonly #tables = new Set<string>();
  readonly #withTriggers = new Set<string>();
  readonly #placeholders = new Set<string>();

  constructor(terms: RewriteTerms) {
    this.#terms = terms;
    this.session = new DumpSession(terms.target);
  }

  /** What to run for a statement; `undefined` where it is none of a dump tool's. */
  rewrite(statement: Buffer): Rewritten[] | undefined {
    const { dialect } = this.session;
    const read = readSql(statement, dialect);
    const found = read && readStatement(read.tokens);
    if (!found) return undefined;
    const { resolved, tokens } = read;
    if (found.kind === 'create' && found.definer && this.#names(tokens))
      this.made.namesSource.push(`${found.what} ${found.name}`);
    return this.#command(found, resolved);
  }

  /** Whether the dumped database stands before a name, other than in a trigger's head, where it is taken out. */
  #names(tokens: readonly Token[]): boolean {
    const source = Buffer.from(this.#terms.source).toString('latin1').toLowerCase();
    const body = tokens.findIndex(
      ({ kind, text }) => kind === 'word' && /^(?:AS|EACH|DO|BEGIN)$/i.test(text),
    );
    return tokens.some(
      ({ kind, text }, index) =>
        index > body &&
        (kind === 'name' || kind === 'word') &&
        text.toLowerCase() === source &&
        tokens[index + 1]?.text === '.',
    );
  }

  #command(found: Statement, resolved: Buffer): Rewritten[] | undefined {
    const asItIs = [{ sql: resolved.toString('latin1') }];
    switch (found.kind) {
      case 'skip':
        return [];
      case 'set':
        return this.#set(found.assigned, asItIs);
      case 'database': {
        const name = Buffer.from(quoteIdent(this.#terms.database)).toString('latin1');
        return [{ sql: `ALTER DATABASE ${name} CHARACTER SET ${found.charset} COLLATE ${found.collation}` }];
      }
      case 'create':
        return this.#create(found, resolved);
      default:
        if (!this.#mayName(found.name)) return undefined;
        return this.#isKept(found.name) && (found.kind === 'table' || found.what === 'table') ? [] : asItIs;
    }
  }

  /** Whether a statement may be about a table of this name, and says which it means. */
  #mayName(name: string): boolean {
    return this.session.namesAreUtf8 && this.#key(name) !== this.#key(this.#terms.mark);
  }

  /** Tables are the same for the server where this is. */
  #key(name: string): string {
    return this.#terms.foldsNames ? foldName(name) : name;
  }

  #isKept(name: string): boolean {
    return this.#terms.keptTables.has(this.#key(name));
  }

  #set(
    assigned: Extract<Statement, { kind: 'set' }>['assigned'],
    asItIs: Rewritten[],
  ): Rewritten[] | undefined {
    if (assigned.some(({ variable }) => variable === 'AUTOCOMMIT')) {
      const alone = assigned.every(({ variable }) => variable === 'AUTOCOMMIT' || variable.startsWith('@'));
      return alone ? [] : undefined;
    }
    if (!this.session.assign(assigned)) return undefined;
    return asItIs.map(({ sql }) => ({ sql: sql.replace(ROWS_MODE, `$1,ALLOW_INVALID_DATES'`) }));
  }

  #create(found: Created, resolved: Buffer): Rewritten[] | undefined {
    const { name, what } = found;
    const creates = { what, name };
    if (what === 'table' || what === 'sequence') {
      if (!this.#mayName(name) || !this.#knowsEngines(found)) return undefined;
      this.#count(what);
      if (what === 'table' && this.#isKept(name)) return [];
      if (!found.engines?.some(elsewhere)) this.#tables.add(this.#key(name));
      if (found.directories?.length) this.made.relocated.push(name);
      return [{ sql: tableSql(found, resolved, this.#terms), creates }];
    }
    if (what === 'library') {
      this.#count(what);
      return [{ sql: resolved.toString('latin1'), creates }];
    }
    if (found.placeholder) {
      this.#placeholders.add(name);
      return [{ sql: resolved.toString('latin1') }];
    }
    this.#count(what);
    if (what === 'view') this.#placeholders.delete(name);
    if (found.lapses) this.made.lapsing.push(name);
    const sql = this.#program(found, resolved);
    if (sql === undefined) return undefined;
    if (found.table === undefined) return [{ sql, creates }];
    this.#withTriggers.add(this.#key(found.table));
    const quoted = Buffer.from(quoteIdent(name)).toString('latin1');
    const drop = this.#isKept(found.table) ? [{ sql: `DROP TRIGGER IF EXISTS ${quoted}` }] : [];
    return [...drop, { sql, creates }];
  }

  /** A view or program that runs as who it may, or `undefined` where it would be none of the dumped database's. */
  #program(created: Created, resolved: Buffer): string | undefined {
    const { definer, enabled, qualifiers = [] } = created;
    // Without one the restoring account would become the definer: what it may see, others would.
    if (!definer) return undefined;
    const source = this.#terms.source.toLowerCase();
    if (qualifiers.some(({ database }) => database.toLowerCase() !== source)) return undefined;
    const account = this.#terms.definer(definer.account);
    if (enabled) this.made.enabledEvents.push({ name: created.name, definer: account });
    return programSql(created, resolved, { ...this.#terms, account });
  }

  /** Whether the catalog, and so the preflight, knows where the table's rows are. */
  #knowsEngines({ engines = [] }: Created): boolean {
    return engines.every((engine) => this.#terms.engines.has(engine));
  }

  #count(what: ObjectKind): void {
    this.made.counts[what] = (this.made.counts[what] ?? 0) + 1;
  }

  /**
   * The table that an INSERT's rows go to, from its quoted name; `undefined` where that must not be: rows belong into
   * tables this dump made, before their triggers, so that a restore runs nobody's code.
   */
  tableOfRows(quoted: string): string | undefined {
    const name = Buffer.from(quoted.slice(1, -1).replaceAll('``', '`'), 'latin1').toString('utf8');
    const key = this.#key(name);
    return this.#tables.has(key) && !this.#withTriggers.has(key) ? name : undefined;
  }

  countRows(table: string, rows: number): void {
    this.made.rows.set(table, (this.made.rows.get(table) ?? 0) + rows);
  }

  /** To be called at the end of the dump. */
  finish(): void {
    if (this.#placeholders.size === 0) return;
    throw fail(
      'manifest_invalid',
      'The dump announces views that it does not define.',
      'Do not trust this snapshot. Restore another one.',
    );
  }
}
