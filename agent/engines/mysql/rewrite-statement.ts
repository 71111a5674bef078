import { fail } from '../../../protocol/failure.ts';
import type { Created } from './dump-creates.ts';
import { DumpSession } from './dump-session.ts';
import { readStatement, type Statement } from './dump-statements.ts';
import { quoteAccount, quoteIdent } from './quote.ts';
import type { ObjectKind } from './requirements.ts';
import type { Dialect } from './sql-lexicon.ts';
import { resolveComments, tokensOf } from './sql-scan.ts';

/** One statement to run. */
export interface Command {
  /** Its bytes, as latin1. */
  sql: string;
  /** Rows it inserts, and into which table. */
  rows?: number;
  table?: string;
  /** The end of a table's rows: commit. */
  commit?: true;
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
}

/** What a dump's statements made. */
export interface Made {
  counts: Partial<Record<ObjectKind, number>>;
  rows: Map<string, number>;
  /** Events that were not disabled in the dump. */
  enabledEvents: string[];
}

/** Judges and rewrites the statements of one dump, INSERTs apart. */
export class StatementRewriter {
  readonly session: DumpSession;
  readonly made: Made = { counts: {}, rows: new Map(), enabledEvents: [] };
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
    const resolved = resolveComments(statement, dialect);
    const tokens = resolved && tokensOf(resolved, dialect);
    const found = tokens && readStatement(tokens);
    return found ? this.#command(found, resolved) : undefined;
  }

  #command(found: Statement, resolved: Buffer): Rewritten[] | undefined {
    const asItIs = [{ sql: resolved.toString('latin1') }];
    switch (found.kind) {
      case 'skip':
        return [];
      case 'commit':
        return [{ sql: 'COMMIT', commit: true }];
      case 'set':
        return this.#set(found.assigned, asItIs);
      case 'database': {
        const name = Buffer.from(quoteIdent(this.#terms.database)).toString('latin1');
        return [{ sql: `ALTER DATABASE ${name} CHARACTER SET ${found.charset} COLLATE ${found.collation}` }];
      }
      case 'create':
        return this.#create(found, resolved);
      default:
        if (found.name === this.#terms.mark) return undefined;
        return this.#terms.keptTables.has(found.name) && (found.kind === 'table' || found.what === 'table')
          ? []
          : asItIs;
    }
  }

  #set(
    assigned: Extract<Statement, { kind: 'set' }>['assigned'],
    asItIs: Rewritten[],
  ): Rewritten[] | undefined {
    if (assigned.some(({ variable }) => variable === 'AUTOCOMMIT')) {
      const alone = assigned.every(({ variable }) => variable === 'AUTOCOMMIT' || variable.startsWith('@'));
      return alone ? [] : undefined;
    }
    return this.session.assign(assigned) ? asItIs : undefined;
  }

  #create(found: Created, resolved: Buffer): Rewritten[] | undefined {
    const { name, what } = found;
    const kept = this.#terms.keptTables.has(name);
    if (name === this.#terms.mark) return undefined;
    const creates = { what, name };
    if (what === 'table' || what === 'sequence') {
      this.#count(what);
      if (what === 'table' && kept) return [];
      this.#tables.add(name);
      return [{ sql: resolved.toString('latin1'), creates }];
    }
    if (found.placeholder) {
      this.#placeholders.add(name);
      return [{ sql: resolved.toString('latin1') }];
    }
    this.#count(what);
    if (what === 'view') this.#placeholders.delete(name);
    if (what === 'event' && found.enabled) this.made.enabledEvents.push(name);
    const sql = this.#withSpans(found, resolved);
    if (sql === undefined) return undefined;
    if (found.table === undefined) return [{ sql, creates }];
    this.#withTriggers.add(found.table);
    const quoted = Buffer.from(quoteIdent(name)).toString('latin1');
    const drop = this.#terms.keptTables.has(found.table) ? [{ sql: `DROP TRIGGER IF EXISTS ${quoted}` }] : [];
    return [...drop, { sql, creates }];
  }

  /** The statement with its definer replaced, DISABLE in place of ENABLE, and no names of the dumped database. */
  #withSpans({ definer, enabled, qualifiers = [] }: Created, resolved: Buffer): string | undefined {
    // Without one the restoring account would become the definer: what it may see, others would.
    if (!definer) return undefined;
    if (qualifiers.some(({ database }) => database.toLowerCase() !== this.#terms.source.toLowerCase()))
      return undefined;
    const account = this.#terms.definer(definer.account);
    const changes = [
      ...(account === definer.account
        ? []
        : [{ ...definer, by: `${Buffer.from(`DEFINER=${quoteAccount(account)}`).toString('latin1')} ` }]),
      ...(enabled ? [{ ...enabled, by: 'DISABLE' }] : []),
      ...qualifiers.map((span) => ({ ...span, by: '' })),
    ];
    let sql = '';
    let from = 0;
    for (const { start, end, by } of changes) {
      sql += resolved.toString('latin1', from, start) + by;
      from = end;
    }
    return sql + resolved.toString('latin1', from);
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
    return this.#tables.has(name) && !this.#withTriggers.has(name) ? name : undefined;
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
